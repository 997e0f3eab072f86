# One function: its Cloud Run service, the account it runs as, what that account may do, and who may call it.

resource "google_service_account" "account" {
  project      = var.project_id
  account_id   = var.name
  display_name = var.description
}

resource "google_cloud_run_v2_service" "service" {
  project             = var.project_id
  location            = var.region
  name                = var.name
  description         = var.description
  labels              = var.labels
  ingress             = var.public ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_ONLY"
  deletion_protection = var.deletion_protection

  # Public means without IAM, not with a grant to allUsers: organizations forbid that grant, and rightly so.
  invoker_iam_disabled = var.public && !var.behind_iap
  iap_enabled          = var.behind_iap

  template {
    service_account                  = google_service_account.account.email
    timeout                          = "${var.timeout_s}s"
    max_instance_request_concurrency = var.concurrency

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    containers {
      image = var.image

      ports {
        container_port = 8080
      }

      resources {
        limits            = { cpu = var.cpu, memory = var.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      # The port is enough: a request would already be work, the monitor's for one.
      startup_probe {
        period_seconds    = 2
        timeout_seconds   = 2
        failure_threshold = 30

        tcp_socket {
          port = 8080
        }
      }

      dynamic "env" {
        for_each = var.environment
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value.secret
              version = env.value.version
            }
          }
        }
      }
    }
  }

  # The delivery pipeline deploys images and shifts traffic; Terraform owns everything else.
  lifecycle {
    ignore_changes = [client, client_version, template[0].containers[0].image, template[0].revision, traffic]
  }

  # A revision whose account may not read its secret does not start.
  depends_on = [google_secret_manager_secret_iam_member.reads]
}

resource "google_project_iam_member" "roles" {
  for_each = var.project_roles
  project  = var.project_id
  role     = each.value
  member   = google_service_account.account.member
}

resource "google_storage_bucket_iam_member" "objects" {
  for_each = var.bucket_roles
  bucket   = each.value.bucket
  role     = each.value.role
  member   = google_service_account.account.member
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each  = var.secrets
  project   = var.project_id
  secret_id = each.value.secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.account.member
}

# Signing a URL without a key is a call of IAM on one's own account.
resource "google_service_account_iam_member" "signs" {
  count              = var.signs_urls ? 1 : 0
  service_account_id = google_service_account.account.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.account.member
}

resource "google_cloud_run_v2_service_iam_member" "invokers" {
  for_each = var.invokers
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.service.name
  role     = "roles/run.invoker"
  member   = each.value
}
