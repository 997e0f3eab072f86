# The secrets as empty vessels: their versions are added outside Terraform, so that no key is ever in its state.

locals {
  secrets = {
    FAL_KEY = { secret = google_secret_manager_secret.fal_key.secret_id, version = var.fal_key_version }
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
