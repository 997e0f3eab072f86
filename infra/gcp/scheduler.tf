# The monitor's minute.

resource "google_service_account" "scheduler" {
  project      = var.project_id
  account_id   = "${var.prefix}-scheduler"
  display_name = "The monitor's minute"
}

resource "google_cloud_scheduler_job" "tick" {
  project          = var.project_id
  region           = var.region
  name             = "${var.prefix}-tick"
  description      = "Makes the monitor look after every unfinished training"
  schedule         = "* * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "${local.functions.monitor.timeout_s}s"

  # The next tick does what a lost one did not.
  retry_config {
    retry_count = 0
  }

  # Without a body: with one, the monitor takes it for a message about one training.
  http_target {
    uri         = module.function["monitor"].uri
    http_method = "POST"

    oidc_token {
      service_account_email = google_service_account.scheduler.email
      audience              = module.function["monitor"].uri
    }
  }
}
