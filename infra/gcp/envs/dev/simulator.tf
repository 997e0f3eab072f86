# The simulated fal.ai, so that a release can be tried without paying: where `simulator_image` names one, trainings of this
# environment go there and nowhere else. Its one instance is always on, for it works between requests, and forgets
# everything when it ends.

data "google_project" "project" {
  project_id = var.project_id
}

locals {
  simulated     = var.simulator_image != null
  simulator     = "lora-fal-simulator"
  simulator_url = "https://${local.simulator}-${data.google_project.project.number}.${var.region}.run.app"

  fal = local.simulated ? {
    fal_queue_url   = local.simulator_url
    fal_api_url     = local.simulator_url
    fal_jwks_url    = "${local.simulator_url}/.well-known/jwks.json"
    fal_media_hosts = [trimprefix(local.simulator_url, "https://")]
  } : {}
}

resource "google_service_account" "simulator" {
  count        = local.simulated ? 1 : 0
  project      = var.project_id
  account_id   = local.simulator
  display_name = "The simulated fal.ai; it may do nothing but read its key"
}

resource "google_secret_manager_secret_iam_member" "simulator_reads_the_key" {
  count     = local.simulated ? 1 : 0
  project   = var.project_id
  secret_id = module.lora.fal_key_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.simulator[0].member
}

resource "google_cloud_run_v2_service" "simulator" {
  count               = local.simulated ? 1 : 0
  project             = var.project_id
  location            = var.region
  name                = local.simulator
  description         = "The simulated fal.ai"
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = false

  # As fal.ai is: whoever has the key may ask.
  invoker_iam_disabled = true

  template {
    service_account = google_service_account.simulator[0].email

    scaling {
      min_instance_count = 1
      max_instance_count = 1
    }

    containers {
      image = var.simulator_image

      resources {
        limits   = { cpu = "1", memory = "1Gi" }
        cpu_idle = false
      }

      env {
        name  = "FAL_SIMULATOR_URL"
        value = local.simulator_url
      }

      env {
        name = "FAL_SIMULATOR_KEY"
        value_source {
          secret_key_ref {
            secret  = module.lora.fal_key_secret
            version = "latest"
          }
        }
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.simulator_reads_the_key]
}
