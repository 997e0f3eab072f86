# The secrets as empty vessels: their versions are added outside Terraform, so that no key is ever in its state.

locals {
  secrets = {
    FAL_KEY       = { secret = google_secret_manager_secret.fal_key.secret_id, version = var.fal_key_version }
    NOTIFY_SECRET = { secret = google_secret_manager_secret.notify_secret.secret_id, version = "latest" }
  }
}

resource "google_secret_manager_secret" "fal_key" {
  project   = var.project_id
  secret_id = "${var.prefix}-fal-key"
  labels    = local.labels

  replication {
    auto {}
  }

  depends_on = [google_project_service.apis]
}

resource "google_secret_manager_secret" "notify_secret" {
  project   = var.project_id
  secret_id = "${var.prefix}-notify-secret"
  labels    = local.labels

  replication {
    auto {}
  }

  depends_on = [google_project_service.apis]
}
