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
      settings      = ["store", "api", "dataset", "fal", "notify", "story", "retention", "tracing"]
      secrets       = []
      project_roles = ["roles/datastore.user"]
      buckets = {
        shoots     = ["roles/storage.objectViewer"]
        models     = ["roles/storage.objectViewer"]
        thumbnails = ["roles/storage.objectUser"]
      }
      publishes     = ["training-requested", "images-requested", "check-requested", "erasure-requested"]
      signs_urls    = true
      timeout_s     = 3600 # a live stream lasts as long as a training; clients come back when it ends
      memory        = "2Gi"
      cpu           = "1"
      concurrency   = 240 # live streams take up to EVENTS_STREAMS of them, and the rest is for other requests
      min_instances = 0
      max_instances = 20
    }
    packager = {
      description   = "Checks a shoot and makes its ZIP; signs weights for pictures"
      source        = "functions/packager/main.py"
      target        = "packager"
      public        = false
      settings      = ["store", "dataset", "monitor", "delivery", "story", "tracing"]
      secrets       = []
      project_roles = ["roles/datastore.user"]
      buckets = {
        shoots     = ["roles/storage.objectViewer"]
        thumbnails = ["roles/storage.objectViewer"] # their names tell which pictures were decoded before
        datasets   = ["roles/storage.objectUser"]
        models     = ["roles/storage.objectViewer"] # it signs weights: to continue from, and to make pictures with
      }
      publishes     = ["dataset-packaged", "images-prepared", "training-finished", "images-finished", "images-requested"]
      signs_urls    = true
      timeout_s     = 540
      memory        = "2Gi"
      cpu           = "1"
      concurrency   = 4
      min_instances = 0
      max_instances = 20
    }
    submitter = {
      description   = "Sends a training, or a wish for pictures, to fal.ai, once"
      source        = "functions/submitter/main.py"
      target        = "submitter"
      public        = false
      settings      = ["store", "fal", "submit", "monitor", "delivery", "story", "tracing"]
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
      settings      = ["store", "fal", "webhook", "tracing"]
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
      settings      = ["store", "fal", "mirror", "monitor", "delivery", "story", "tracing"]
      secrets       = ["FAL_KEY"]
      project_roles = ["roles/datastore.user"]
      buckets = {
        datasets = ["object_remover"]
        models   = ["roles/storage.objectUser"]
      }
      publishes     = ["training-finished", "images-finished", "images-requested"]
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
      settings      = ["store", "fal", "monitor", "delivery", "story", "retention", "tracing"]
      secrets       = ["FAL_KEY"]
      project_roles = ["roles/datastore.user"]
      buckets = {
        datasets = ["object_remover"]
      }
      publishes = [
        "training-requested", "images-requested", "result-reported", "erasure-requested", "training-finished",
        "images-finished",
      ]
      signs_urls    = false
      timeout_s     = 300
      memory        = "512Mi"
      cpu           = "1"
      concurrency   = 8
      min_instances = 0
      max_instances = 3
    }
    notifier = {
      description   = "Tells the ends of trainings to one address outside"
      source        = "functions/notifier/main.py"
      target        = "notifier"
      public        = false
      settings      = ["store", "notify", "delivery", "story", "tracing"]
      secrets       = ["NOTIFY_SECRET"]
      project_roles = ["roles/datastore.user"]
      buckets       = {}
      publishes     = []
      signs_urls    = false
      timeout_s     = 60
      memory        = "512Mi"
      cpu           = "1"
      concurrency   = 8
      min_instances = 0
      max_instances = 3
    }
    eraser = {
      description   = "Deletes what its owner wants gone, and tells of it in a receipt"
      source        = "functions/eraser/main.py"
      target        = "eraser"
      public        = false
      settings      = ["store", "fal", "delivery", "retention", "tracing"]
      secrets       = ["FAL_KEY"]
      project_roles = ["roles/datastore.user"]
      buckets = {
        datasets   = ["object_remover"]
        models     = ["object_remover"]
        thumbnails = ["object_remover"]
      }
      publishes     = []
      signs_urls    = false
      timeout_s     = 540
      memory        = "512Mi"
      cpu           = "1"
      concurrency   = 4
      min_instances = 0
      max_instances = 3
    }
  }

  # Who is told outside, if anybody; without, the notifier hears nothing and needs no secret.
  notifies = coalesce(var.settings.notify.notify_url, "none") != "none"

  # Everybody who hears a topic is called by Pub/Sub, in the name of one account that may do nothing else.
  heard = toset(flatten([for subscribers in local.topics : keys(subscribers)]))

  behind_iap = local.settings.api.auth_mode == "iap"

  invokers = {
    for name in keys(local.functions) : name => merge(
      contains(local.heard, name) ? { pusher = google_service_account.pusher.member } : {},
      name == "monitor" ? { scheduler = google_service_account.scheduler.member } : {},
      name == "api" && local.behind_iap ? { iap = "serviceAccount:service-${local.project_number}@gcp-sa-iap.iam.gserviceaccount.com" } : {},
    )
  }
}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  project_id          = var.project_id
  region              = var.region
  name                = "${var.prefix}-${each.key}"
  description         = each.value.description
  labels              = merge(local.labels, { function = each.key })
  image               = var.image
  environment         = local.environment[each.key]
  secrets             = { for name in each.value.secrets : name => local.secrets[name] if name != "NOTIFY_SECRET" || local.notifies }
  project_roles       = concat(each.value.project_roles, local.trace_roles)
  bucket_roles        = local.bucket_roles[each.key]
  signs_urls          = each.value.signs_urls
  public              = each.value.public
  behind_iap          = each.key == "api" && local.behind_iap
  invokers            = local.invokers[each.key]
  timeout_s           = each.value.timeout_s
  memory              = each.value.memory
  cpu                 = each.value.cpu
  concurrency         = each.value.concurrency
  min_instances       = try(coalesce(var.instances[each.key].min), each.value.min_instances)
  max_instances       = try(coalesce(var.instances[each.key].max), each.value.max_instances)
  deletion_protection = var.deletion_protection

  depends_on = [google_project_service.apis]
}

# Who may open the console through Identity-Aware Proxy.
resource "google_iap_web_cloud_run_service_iam_member" "users" {
  for_each               = local.behind_iap ? var.iap_members : []
  project                = var.project_id
  location               = var.region
  cloud_run_service_name = module.function["api"].name
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.value
}
