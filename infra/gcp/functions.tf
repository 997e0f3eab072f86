# The services: one image, one Cloud Run service per function, told apart by source and target.
#
# `local.functions` is data, without expressions: the tests read it, to start each service as it is started here and to
# hold accounts, roles and settings to the code.

locals {
  functions = {
    api = {
      description   = "The app's and the console's HTTP API"
      source        = "functions/api/main.py"
      target        = "api"
      public        = true
      settings      = ["store", "api", "dataset", "fal"]
      secrets       = []
      project_roles = ["roles/datastore.user"]
      buckets = {
        shoots     = ["roles/storage.objectViewer"]
        models     = ["roles/storage.objectViewer", "object_remover"]
        thumbnails = ["roles/storage.objectUser"]
      }
      publishes     = ["training-requested", "check-requested"]
      signs_urls    = true
      timeout_s     = 3600 # a live stream lasts as long as a training; clients come back when it ends
      memory        = "2Gi"
      cpu           = "1"
      concurrency   = 40
      min_instances = 0
      max_instances = 20
    }
    packager = {
      description   = "Checks a shoot and makes its ZIP"
      source        = "functions/packager/main.py"
      target        = "packager"
      public        = false
      settings      = ["store", "dataset", "monitor", "delivery"]
      secrets       = []
      project_roles = ["roles/datastore.user"]
      buckets = {
        shoots   = ["roles/storage.objectViewer"]
        datasets = ["roles/storage.objectUser"]
      }
      publishes     = ["dataset-packaged", "training-finished"]
      signs_urls    = true
      timeout_s     = 540
      memory        = "2Gi"
      cpu           = "1"
      concurrency   = 4
      min_instances = 0
      max_instances = 20
    }
    submitter = {
      description   = "Sends a training to fal.ai, once"
      source        = "functions/submitter/main.py"
      target        = "submitter"
      public        = false
      settings      = ["store", "fal", "submit", "monitor", "delivery"]
      secrets       = ["FAL_KEY"]
      project_roles = ["roles/datastore.user"]
      buckets       = {}
      publishes     = []
      signs_urls    = false
      timeout_s     = 120
      memory        = "512Mi"
      cpu           = "1"
      concurrency   = 8
      min_instances = 0
      max_instances = 10
    }
    webhook = {
      description   = "Takes fal.ai's callbacks"
      source        = "functions/webhook/main.py"
      target        = "webhook"
      public        = true
      settings      = ["store", "fal", "webhook"]
      secrets       = []
      project_roles = []
      buckets       = {}
      publishes     = ["result-reported"]
      signs_urls    = false
      timeout_s     = 15 # fal.ai waits no longer
      memory        = "512Mi"
      cpu           = "1"
      concurrency   = 80
      min_instances = 0
      max_instances = 10
    }
    mirror = {
      description   = "Fetches and verifies what fal.ai made, and keeps it"
      source        = "functions/mirror/main.py"
      target        = "mirror"
      public        = false
      settings      = ["store", "fal", "mirror", "monitor", "delivery"]
      secrets       = ["FAL_KEY"]
      project_roles = ["roles/datastore.user"]
      buckets = {
        datasets = ["object_remover"]
        models   = ["roles/storage.objectUser"]
      }
      publishes     = ["training-finished"]
      signs_urls    = false
      timeout_s     = 540
      memory        = "1Gi"
      cpu           = "1"
      concurrency   = 4
      min_instances = 0
      max_instances = 20
    }
    monitor = {
      description   = "Looks after every unfinished training, every minute and when its user asks"
      source        = "functions/monitor/main.py"
      target        = "monitor"
      public        = false
      settings      = ["store", "fal", "monitor", "delivery"]
      secrets       = ["FAL_KEY"]
      project_roles = ["roles/datastore.user"]
      buckets = {
        datasets = ["object_remover"]
      }
      publishes     = ["training-requested", "result-reported", "training-finished"]
      signs_urls    = false
      timeout_s     = 300
      memory        = "512Mi"
      cpu           = "1"
      concurrency   = 8
      min_instances = 0
      max_instances = 3
    }
  }

  # What every service's process is told beside our own settings.
  runtime = {
    # a gRPC client must survive the server's fork
    GRPC_ENABLE_FORK_SUPPORT = "1"
    # otherwise the storage client asks for a bucket's metadata, which no account here may read
    DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA = "true"
  }
}
