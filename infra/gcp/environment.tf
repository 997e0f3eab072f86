# What each service's process is told. The names are those of shared/settings; what is not set here has its default there.

locals {
  settings = var.settings

  # Settings that follow from what is made here.
  wired = {
    store = {
      backend              = "google"
      google_cloud_project = var.project_id
      firestore_database   = google_firestore_database.database.name
      shoots_bucket        = local.bucket_names.shoots
      datasets_bucket      = local.bucket_names.datasets
      models_bucket        = local.bucket_names.models
      thumbnails_bucket    = local.bucket_names.thumbnails
    }
    fal = {
      webhook_url = coalesce(var.webhook_url, local.addresses.webhook)
    }
    notify = {
      console_url = coalesce(var.console_url, local.addresses.api)
    }
    api = {
      iap_audience = local.behind_iap ? "/projects/${local.project_number}/locations/${var.region}/services/${var.prefix}-api" : null
    }
  }

  # What sending spans to Cloud Trace takes, where that is asked for.
  trace_roles = var.settings.tracing.tracing == "cloud" ? ["roles/telemetry.tracesWriter"] : []

  # What every process is told beside our own settings.
  runtime = {
    # a gRPC client must survive the server's fork
    GRPC_ENABLE_FORK_SUPPORT = "1"
    # otherwise the storage client asks for a bucket's metadata, which no account here may read
    DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA = "true"
  }

  groups = setunion(keys(local.wired), keys(local.settings))

  # By group, the variables that are set: lists with commas, as shared/settings reads them.
  variables = {
    for group in local.groups : group => {
      for name, value in merge(lookup(local.settings, group, {}), lookup(local.wired, group, {})) :
      upper(name) => try(join(",", value), tostring(value)) if value != null
    }
  }

  environment = {
    for name, function in local.functions : name => merge(
      local.runtime,
      {
        FUNCTION_SOURCE = function.source
        FUNCTION_TARGET = function.target
        THREADS         = tostring(function.concurrency) # as many as Cloud Run sends requests at once
      },
      [for group in function.settings : local.variables[group]]...
    )
  }
}
