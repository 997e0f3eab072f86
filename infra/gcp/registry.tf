# Where the one image lies. A tag never moves, services run by digest, and nothing is cleaned up: rolling back needs it.

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:Google's own keys encrypt it; the image holds neither data nor secrets

  project       = var.project_id
  location      = var.region
  repository_id = var.prefix
  description   = "The image that every function runs"
  format        = "DOCKER"
  labels        = local.labels

  docker_config {
    immutable_tags = true
  }

  depends_on = [google_project_service.apis]
}
