# What everything else stands on: the project, its APIs, names and labels.

data "google_project" "project" {
  project_id = var.project_id
}

locals {
  project_number = data.google_project.project.number
  labels         = merge(var.labels, { app = "costumes-lora", environment = var.environment })

  # Cloud Run's predictable addresses: a service's settings can name another service before that exists.
  addresses = {
    for name in keys(local.functions) : name => "https://${var.prefix}-${name}-${local.project_number}.${var.region}.run.app"
  }
}

resource "google_project_service" "apis" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "cloudtrace.googleapis.com",
    "firebaserules.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "iap.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    "telemetry.googleapis.com",
  ])
  project = var.project_id
  service = each.value

  # Others in the project may need them.
  disable_on_destroy = false
}
