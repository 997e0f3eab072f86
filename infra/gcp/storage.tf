# The buckets. All of them are private, whatever anybody sets on an object.

locals {
  # `soft_deleted_days`: how long what was deleted can be had back, and is paid for. `rules`: what is deleted by itself.
  buckets = {
    shoots = {
      soft_deleted_days = 7
      rules             = []
    }
    # pictures of people, packed: they go with their training, and what is deleted is gone
    datasets = {
      soft_deleted_days = 0
      rules             = [{ age_days = 2, prefixes = [] }]
    }
    # bought, and not to be had again
    models = {
      soft_deleted_days = 30
      rules             = [{ age_days = 7, prefixes = ["incoming/"] }]
    }
    # made again when somebody looks
    thumbnails = {
      soft_deleted_days = 0
      rules             = [{ age_days = 90, prefixes = [] }]
    }
  }

  # The app may have brought its bucket of shoots.
  made_buckets = { for name, bucket in local.buckets : name => bucket if name != "shoots" || var.shoots_bucket == null }

  bucket_names = merge(
    { for name, bucket in google_storage_bucket.bucket : name => bucket.name },
    var.shoots_bucket == null ? {} : { shoots = var.shoots_bucket },
  )

  bucket_roles = {
    for name, function in local.functions : name => merge([
      for bucket, roles in merge(function.buckets, lookup(local.import_roles, name, {})) : {
        for role in roles : "${bucket}/${role}" => {
          bucket = local.bucket_names[bucket]
          role   = role == "object_remover" ? google_project_iam_custom_role.object_remover.name : role
        }
      }
    ]...)
  }

  # Shoots are written by the API, and deleted by the eraser, only where they are ours to fill.
  import_roles = local.settings.api.shoot_import ? {
    api    = { shoots = ["roles/storage.objectUser"] }
    eraser = { shoots = ["object_remover"] }
  } : {}
}

resource "google_storage_bucket" "bucket" {
  #checkov:skip=CKV_GCP_62:Cloud Audit Logs tell who read what (below); the older usage logs would tell less
  #checkov:skip=CKV_GCP_78:soft delete gives back what was deleted; versions would keep pictures that somebody wants gone

  for_each                    = local.made_buckets
  project                     = var.project_id
  name                        = "${var.project_id}-${var.prefix}-${each.key}"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  soft_delete_policy {
    retention_duration_seconds = each.value.soft_deleted_days * 24 * 60 * 60
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.rules
    content {
      action {
        type = "Delete"
      }
      condition {
        age            = lifecycle_rule.value.age_days
        matches_prefix = lifecycle_rule.value.prefixes
      }
    }
  }

  # Signed addresses that the console's own pages, and those of CORS_ORIGINS, may read.
  cors {
    origin          = concat([local.addresses.api], coalesce(local.settings.api.cors_origins, []))
    method          = ["GET", "HEAD"]
    response_header = ["Content-Type", "Content-Length", "Content-Disposition"]
    max_age_seconds = 3600
  }

  depends_on = [google_project_service.apis]
}

# Who reads and writes objects is logged: every picture shows a person.
resource "google_project_iam_audit_config" "objects" {
  project = var.project_id
  service = "storage.googleapis.com"

  dynamic "audit_log_config" {
    for_each = ["DATA_READ", "DATA_WRITE"]
    content {
      log_type = audit_log_config.value
    }
  }
}

# For those who end what others wrote: they cannot put anything in its place.
resource "google_project_iam_custom_role" "object_remover" {
  project     = var.project_id
  role_id     = "${replace(var.prefix, "-", "_")}_object_remover"
  title       = "Object remover"
  description = "Sees and deletes objects, and writes none."
  permissions = ["storage.objects.delete", "storage.objects.get", "storage.objects.list"]
}
