# One topic: who may publish, who hears it and how it is tried again, and where what nobody could handle goes.

locals {
  # Pub/Sub itself moves dead letters and signs its pushes, in the name of this account.
  agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"

  readers = merge([
    for subscriber, subscription in var.subscriptions : {
      for reader in subscription.readers : "${subscriber}/${reader}" => { subscriber = subscriber, member = reader }
    }
  ]...)

  # What others pull is theirs to redrive.
  redrivers = merge([
    for subscriber, subscription in var.subscriptions : {
      for name, member in var.redrivers : "${subscriber}/${name}" => { subscriber = subscriber, member = member }
    } if subscription.push != null
  ]...)
}

resource "google_pubsub_topic" "topic" {
  #checkov:skip=CKV_GCP_83:Google's own keys encrypt it; a key of ours adds nothing against what is feared, and can be lost

  project                    = var.project_id
  name                       = var.name
  labels                     = var.labels
  message_retention_duration = var.retention

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_pubsub_topic_iam_member" "publishers" {
  for_each = var.publishers
  project  = var.project_id
  topic    = google_pubsub_topic.topic.name
  role     = "roles/pubsub.publisher"
  member   = each.value
}

resource "google_pubsub_subscription" "subscription" {
  for_each                   = var.subscriptions
  project                    = var.project_id
  name                       = "${var.name}-${each.key}"
  topic                      = google_pubsub_topic.topic.id
  labels                     = var.labels
  ack_deadline_seconds       = each.value.ack_deadline_s
  message_retention_duration = var.retention

  dynamic "push_config" {
    for_each = each.value.push == null ? [] : [each.value.push]
    content {
      push_endpoint = push_config.value.endpoint

      oidc_token {
        service_account_email = push_config.value.account
        audience              = push_config.value.endpoint
      }
    }
  }

  # An idle subscription is otherwise deleted after 31 days.
  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "${each.value.minimum_backoff_s}s"
    maximum_backoff = "${each.value.maximum_backoff_s}s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letter[each.key].id
    max_delivery_attempts = each.value.max_delivery_attempts
  }
}

resource "google_pubsub_subscription_iam_member" "readers" {
  for_each     = local.readers
  project      = var.project_id
  subscription = google_pubsub_subscription.subscription[each.value.subscriber].name
  role         = "roles/pubsub.subscriber"
  member       = each.value.member
}

resource "google_pubsub_topic" "dead_letter" {
  #checkov:skip=CKV_GCP_83:Google's own keys encrypt it; a key of ours adds nothing against what is feared, and can be lost

  for_each = var.subscriptions
  project  = var.project_id
  name     = "${var.name}-${each.key}-dead-letter"
  labels   = var.labels

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

# A topic that nobody subscribes to forgets at once: this subscription is where dead letters lie.
resource "google_pubsub_subscription" "dead_letter" {
  for_each                   = var.subscriptions
  project                    = var.project_id
  name                       = google_pubsub_topic.dead_letter[each.key].name
  topic                      = google_pubsub_topic.dead_letter[each.key].id
  labels                     = var.labels
  ack_deadline_seconds       = 60
  message_retention_duration = var.retention

  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_topic_iam_member" "dead_letters_arrive" {
  for_each = var.subscriptions
  project  = var.project_id
  topic    = google_pubsub_topic.dead_letter[each.key].name
  role     = "roles/pubsub.publisher"
  member   = local.agent
}

resource "google_pubsub_subscription_iam_member" "dead_letters_leave" {
  for_each     = var.subscriptions
  project      = var.project_id
  subscription = google_pubsub_subscription.subscription[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.agent
}

# Looking at dead letters is pulling them; whoever has them delivered again publishes them, too, as one of `publishers`.
resource "google_pubsub_subscription_iam_member" "redrivers" {
  for_each     = local.redrivers
  project      = var.project_id
  subscription = google_pubsub_subscription.dead_letter[each.value.subscriber].name
  role         = "roles/pubsub.subscriber"
  member       = each.value.member
}
