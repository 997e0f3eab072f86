# The topics and who hears them, as shared/events.py names them.
#
# `local.topics` is data, without expressions, like `local.functions`. A delivery lasts at least as long as its function
# may take, or a message would be delivered again under its hands; and all attempts together last longer than a claim's
# lease, or a message would be dead before the claim that it waits for lapses.

locals {
  topics = {
    training-requested = {
      packager = { ack_deadline_s = 600, minimum_backoff_s = 10, maximum_backoff_s = 600 }
    }
    dataset-packaged = {
      submitter = { ack_deadline_s = 180, minimum_backoff_s = 30, maximum_backoff_s = 600 }
    }
    images-requested = {
      packager = { ack_deadline_s = 600, minimum_backoff_s = 10, maximum_backoff_s = 600 }
    }
    images-prepared = {
      submitter = { ack_deadline_s = 180, minimum_backoff_s = 30, maximum_backoff_s = 600 }
    }
    result-reported = {
      mirror = { ack_deadline_s = 600, minimum_backoff_s = 10, maximum_backoff_s = 600 }
    }
    check-requested = {
      monitor = { ack_deadline_s = 360, minimum_backoff_s = 10, maximum_backoff_s = 60 }
    }
    # for the app, too: `app_subscribers` says who of it pulls
    training-finished = {
      notifier = { ack_deadline_s = 60, minimum_backoff_s = 20, maximum_backoff_s = 600 }
    }
    images-finished = {
      notifier = { ack_deadline_s = 60, minimum_backoff_s = 20, maximum_backoff_s = 600 }
    }
    erasure-requested = {
      eraser = { ack_deadline_s = 600, minimum_backoff_s = 10, maximum_backoff_s = 600 }
    }
  }

  pushed = {
    for topic, subscribers in local.topics : topic => {
      for function, delivery in subscribers : function => merge(delivery, {
        max_delivery_attempts = local.settings.delivery.max_delivery_attempts
        push                  = { endpoint = module.function[function].uri, account = google_service_account.pusher.email }
      }) if function != "notifier" || local.notifies
    }
  }

  # Where nobody is an operator the API needs neither to see dead letters nor to publish what it does not make itself.
  redrivers = length(coalesce(var.settings.api.operators, [])) == 0 ? {} : { api = module.function["api"].member }

  pulled = {
    for topic in ["training-finished", "images-finished"] : topic => {
      for subscriber, members in var.app_subscribers : subscriber => {
        ack_deadline_s        = 60
        minimum_backoff_s     = 10
        maximum_backoff_s     = 600
        max_delivery_attempts = 20
        readers               = members
      }
    }
  }
}

module "topic" {
  source   = "./modules/topic"
  for_each = local.topics

  project_id     = var.project_id
  project_number = local.project_number
  name           = each.key
  labels         = local.labels
  regions        = [var.region]
  subscriptions  = merge(local.pushed[each.key], lookup(local.pulled, each.key, {}))
  redrivers      = local.redrivers
  publishers = merge(length(local.pushed[each.key]) == 0 ? {} : local.redrivers, {
    for name, function in local.functions : name => module.function[name].member if contains(function.publishes, each.key)
  })
}

# In whose name Pub/Sub calls the functions.
resource "google_service_account" "pusher" {
  project      = var.project_id
  account_id   = "${var.prefix}-pusher"
  display_name = "Pub/Sub's pushes"
}

resource "google_service_account_iam_member" "pubsub_signs_as_pusher" {
  service_account_id = google_service_account.pusher.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:service-${local.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}
