# The database: its indexes as shared/adapters/google/indexes.py lists them, its rules, its backups.

locals {
  # Composite indexes: the collection, and its fields with their order; equality first, then the order of the results.
  indexes = [
    ["shoots", "owner_id ASCENDING", "created_at DESCENDING", "__name__ ASCENDING"],
    ["trainings", "owner_id ASCENDING", "created_at DESCENDING", "__name__ ASCENDING"],
    ["trainings", "owner_id ASCENDING", "status ASCENDING", "created_at DESCENDING", "__name__ ASCENDING"],
    ["trainings", "owner_id ASCENDING", "shoot_id ASCENDING", "created_at DESCENDING", "__name__ ASCENDING"],
    ["trainings", "owner_id ASCENDING", "status ASCENDING", "shoot_id ASCENDING", "created_at DESCENDING", "__name__ ASCENDING"],
    ["trainings", "trainer ASCENDING", "status ASCENDING", "updated_at DESCENDING", "__name__ ASCENDING"],
    ["trainings", "status ASCENDING", "updated_at ASCENDING", "__name__ ASCENDING"],
    ["trainings", "owner_id ASCENDING", "status ASCENDING", "updated_at ASCENDING", "__name__ ASCENDING"],
    ["erasures", "owner_id ASCENDING", "requested_at DESCENDING", "__name__ ASCENDING"],
    ["erasures", "state ASCENDING", "updated_at ASCENDING", "__name__ ASCENDING"],
    ["trainings", "attention ASCENDING", "updated_at ASCENDING", "__name__ ASCENDING"],
    ["image_jobs", "owner_id ASCENDING", "created_at DESCENDING", "__name__ ASCENDING"],
    ["image_jobs", "owner_id ASCENDING", "model_id ASCENDING", "created_at DESCENDING", "__name__ ASCENDING"],
    ["image_jobs", "owner_id ASCENDING", "group_id ASCENDING", "created_at DESCENDING", "__name__ ASCENDING"],
    ["image_jobs", "status ASCENDING", "updated_at ASCENDING", "__name__ ASCENDING"],
    ["image_jobs", "owner_id ASCENDING", "status ASCENDING", "updated_at ASCENDING", "__name__ ASCENDING"],
    ["image_jobs", "attention ASCENDING", "updated_at ASCENDING", "__name__ ASCENDING"],
    ["models", "owner_id ASCENDING", "trained_at DESCENDING", "__name__ ASCENDING"],
    ["models", "owner_id ASCENDING", "recipe ASCENDING", "trained_at DESCENDING", "__name__ ASCENDING"],
    ["models", "owner_id ASCENDING", "person_id ASCENDING", "name ASCENDING", "trained_at DESCENDING", "__name__ ASCENDING"],
    ["stories", "training_id ASCENDING", "at DESCENDING", "__name__ ASCENDING"],
    # for the app, which listens to its user's documents
    ["shoots", "owner_id ASCENDING", "created_at DESCENDING", "__name__ DESCENDING"],
    ["training_views", "owner_id ASCENDING", "created_at DESCENDING", "__name__ DESCENDING"],
    ["training_views", "owner_id ASCENDING", "shoot_id ASCENDING", "created_at DESCENDING", "__name__ DESCENDING"],
    ["models", "owner_id ASCENDING", "trained_at DESCENDING", "__name__ DESCENDING"],
    ["images", "owner_id ASCENDING", "created_at DESCENDING", "__name__ DESCENDING"],
    ["images", "owner_id ASCENDING", "model_id ASCENDING", "created_at DESCENDING", "__name__ DESCENDING"],
    ["images", "owner_id ASCENDING", "group_id ASCENDING", "created_at DESCENDING", "__name__ DESCENDING"],
  ]

  # Fields that nothing is looked up by, by collection: without the exemption each of their parts is an index entry.
  unindexed = {
    accounts = ["reservations", "settled", "settled_before", "write_mark"]
    shoots   = ["write_mark"]
    trainings = [
      "captions", "claim", "dataset", "delivered", "error", "fal", "hindrance", "history", "log_tail", "parameters",
      "progress", "quote", "sent", "without", "write_mark",
    ]
    training_views = ["error", "hindrance", "history", "parameters", "progress", "quote"]
    image_jobs = [
      "claim", "delivered", "error", "fal", "hindrance", "history", "log_tail", "pictures", "progress", "prompt",
      "quote", "sent", "write_mark",
    ]
    images      = ["error", "hindrance", "history", "pictures", "progress", "prompt", "quote"]
    models      = ["further_weights", "parameters", "weights", "write_mark"]
    model_names = ["versions", "write_mark"]
    notices     = ["notices", "write_mark"]
    erasures    = ["again", "batch", "deleted", "gone", "stays", "write_mark"]
    stories     = ["events", "expires_at", "message", "write_mark"]
  }

  # Fields whose time ends a document's life, within a day after it.
  expiring = { stories = "expires_at" }
}

resource "google_firestore_database" "database" {
  project                           = var.project_id
  name                              = var.firestore_database
  location_id                       = var.firestore_location
  type                              = "FIRESTORE_NATIVE"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"

  depends_on = [google_project_service.apis]
}

resource "google_firestore_index" "composite" {
  for_each   = { for index in local.indexes : join("/", index) => index }
  project    = var.project_id
  database   = google_firestore_database.database.name
  collection = each.value[0]

  dynamic "fields" {
    for_each = [for field in slice(each.value, 1, length(each.value)) : split(" ", field)]
    content {
      field_path = fields.value[0]
      order      = fields.value[1]
    }
  }
}

resource "google_firestore_field" "unindexed" {
  for_each   = merge([for collection, fields in local.unindexed : { for field in fields : "${collection}/${field}" => [collection, field] }]...)
  project    = var.project_id
  database   = google_firestore_database.database.name
  collection = each.value[0]
  field      = each.value[1]

  index_config {}

  dynamic "ttl_config" {
    for_each = lookup(local.expiring, each.value[0], null) == each.value[1] ? [1] : []
    content {}
  }
}

# Point-in-time recovery reaches back seven days; these reach further, and survive the database.
resource "google_firestore_backup_schedule" "daily" {
  project   = var.project_id
  database  = google_firestore_database.database.name
  retention = "${var.backup_days * 24 * 60 * 60}s"

  daily_recurrence {}
}

resource "google_firebaserules_ruleset" "firestore" {
  count   = var.release_rules ? 1 : 0
  project = var.project_id

  source {
    files {
      name    = "firestore.rules"
      content = file("${path.module}/firestore.rules")
    }
  }

  # The release has to have somewhere to go before the old rules may.
  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.apis]
}

resource "google_firebaserules_release" "firestore" {
  count        = var.release_rules ? 1 : 0
  project      = var.project_id
  name         = var.firestore_database == "(default)" ? "cloud.firestore" : "cloud.firestore/${var.firestore_database}"
  ruleset_name = "projects/${var.project_id}/rulesets/${google_firebaserules_ruleset.firestore[0].name}"

  depends_on = [google_firestore_database.database]
}
