# Figures and alerts. The figures are the table of docs/observability.md as log-based metrics; the alerts are PromQL over
# them and over what Google Cloud measures by itself. Each alert has its chapter in docs/runbook.md.

locals {
  # A figure counts an event, or, with `value`, gathers that field of it.
  figures = {
    trainings            = { event = "training_finished", labels = ["status", "code", "stage", "charged"] }
    training_seconds     = { event = "training_finished", value = "total_s", labels = ["status"] }
    packaging_seconds    = { event = "training_finished", value = "stage_s.packaging", labels = [] }
    submitting_seconds   = { event = "training_finished", value = "stage_s.submitting", labels = [] }
    queued_seconds       = { event = "training_finished", value = "stage_s.queued", labels = [] }
    running_seconds      = { event = "training_finished", value = "stage_s.training", labels = [] }
    mirroring_seconds    = { event = "training_finished", value = "stage_s.mirroring", labels = [] }
    cost_usd             = { event = "training_finished", value = "cost_usd", labels = ["charged"] }
    images               = { event = "images_finished", labels = ["status", "code", "charged"] }
    images_seconds       = { event = "images_finished", value = "total_s", labels = ["status"] }
    images_cost_usd      = { event = "images_finished", value = "cost_usd", labels = ["charged"] }
    dataset_bytes        = { event = "dataset_packaged", value = "bytes", labels = [] }
    dataset_images       = { event = "dataset_packaged", value = "images", labels = [] }
    weights_bytes        = { event = "model_kept", value = "bytes", labels = [] }
    trainer_seconds      = { event = "trainer_answered", value = "seconds", labels = ["operation", "http_status"] }
    trainer_silences     = { event = "trainer_silent", labels = ["operation", "reason"] }
    callbacks_refused    = { event = "callback_refused", labels = ["code"] }
    late_trainings       = { event = "tick_done", value = "late", labels = [] }
    hindered_steps       = { event = "step_hindered", labels = ["stage", "code"] }
    trainings_to_look_at = { event = "training_expired", labels = ["was"] }
    payments_to_look_at  = { event = "submission_uncertain", labels = [] }
    late_results         = { event = "result_came_late", labels = [] }
    forgotten_versions   = { event = "version_was_taken", labels = [] }
  }

  # A figure's name in PromQL; a gathered one has `_sum`, `_count` and `_bucket`.
  figure = { for name, _ in local.figures : name => "logging_googleapis_com:user_lora_${name}" }
  logged = "monitored_resource=\"cloud_run_revision\""

  requests = "run_googleapis_com:request_count"
  public   = join("|", [for name, function in local.functions : "${var.prefix}-${name}" if function.public])
  waiting  = join("|", flatten([for topic, subscribers in local.topics : [for name in keys(subscribers) : "${topic}-${name}"]]))

  alerts = {
    dead-letters = {
      severity = "CRITICAL"
      summary  = "A message was given up: a training stands still, or its end was told to nobody, until somebody looks."
      query    = "max by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{subscription_id=~\".*-dead-letter\"}) > 0"
      for_s    = 0
    }
    oldest-message = {
      severity = "ERROR"
      summary  = "A message has waited for half an hour: its function is down, or cannot keep up."
      query    = "max by (subscription_id) (pubsub_googleapis_com:subscription_oldest_unacked_message_age{subscription_id=~\"${local.waiting}\"}) > 1800"
      for_s    = 300
    }
    stuck-trainings = {
      severity = "CRITICAL"
      summary  = "A training is past its deadline and the monitor cannot end it: its user waits for nothing."
      query    = "sum(increase(${local.figure.late_trainings}_sum{${local.logged}}[2m])) > 0"
      for_s    = 180
    }
    expired-trainings = {
      severity = "WARNING"
      summary  = "The monitor ended a training that outlived a deadline: something on its way did not work."
      query    = "sum by (was) (increase(${local.figure.trainings_to_look_at}{${local.logged}}[10m])) > 0"
      for_s    = 0
    }
    silent-monitor = {
      severity = "CRITICAL"
      summary  = "The monitor has not ticked for ten minutes: nothing that got lost is found."
      query    = "absent_over_time(${local.requests}{monitored_resource=\"cloud_run_revision\",service_name=\"${var.prefix}-monitor\",response_code_class=\"2xx\"}[10m])"
      for_s    = 0
    }
    uncertain-payments = {
      severity = "ERROR"
      summary  = "A paid request may have been accepted without an answer: compare with fal.ai's request list."
      query    = "sum(increase(${local.figure.payments_to_look_at}{${local.logged}}[10m])) > 0"
      for_s    = 0
    }
    late-results = {
      severity = "WARNING"
      summary  = "fal.ai finished a training that had been given up: paid weights wait to be recovered."
      query    = "sum(increase(${local.figure.late_results}{${local.logged}}[10m])) > 0"
      for_s    = 0
    }
    forgotten-models = {
      severity = "ERROR"
      summary  = "The models bucket has weights that the database does not know: it was restored, and models are missing."
      query    = "sum(increase(${local.figure.forgotten_versions}{${local.logged}}[10m])) > 0"
      for_s    = 0
    }
    forged-callbacks = {
      severity = "WARNING"
      summary  = "Somebody calls the webhook with wrong signatures, or fal.ai's keys have changed."
      query    = "sum(increase(${local.figure.callbacks_refused}{${local.logged},code=\"webhook_forged\"}[10m])) > 10"
      for_s    = 0
    }
    spending = {
      severity = "ERROR"
      summary  = "Trainings and pictures cost more within a day than `daily_spend_usd`."
      query    = "(sum(increase(${local.figure.cost_usd}_sum{${local.logged}}[1d])) or vector(0)) + (sum(increase(${local.figure.images_cost_usd}_sum{${local.logged}}[1d])) or vector(0)) > ${var.daily_spend_usd}"
      for_s    = 0
    }
    failing-trainings = {
      severity = "ERROR"
      summary  = "More than half of the last hour's trainings failed."
      query    = "sum(increase(${local.figure.trainings}{${local.logged},status=\"failed\"}[1h])) / sum(increase(${local.figure.trainings}{${local.logged}}[1h])) > 0.5 and sum(increase(${local.figure.trainings}{${local.logged}}[1h])) >= 4"
      for_s    = 0
    }
    error-rate = {
      severity = "ERROR"
      summary  = "A public service answers more than one request in twenty with an error of its own."
      query    = "sum by (service_name) (rate(${local.requests}{${local.logged},service_name=~\"${local.public}\",response_code_class=\"5xx\"}[5m])) / sum by (service_name) (rate(${local.requests}{${local.logged},service_name=~\"${local.public}\"}[5m])) > 0.05"
      for_s    = 300
    }
  }
}

resource "google_logging_metric" "figures" {
  for_each    = local.figures
  project     = var.project_id
  name        = "lora/${each.key}"
  description = "See docs/observability.md"
  filter      = "resource.type=\"cloud_run_revision\" AND jsonPayload.message=\"${each.value.event}\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = can(each.value.value) ? "DISTRIBUTION" : "INT64"

    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  value_extractor  = can(each.value.value) ? "EXTRACT(jsonPayload.${each.value.value})" : null
  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }

  # From a thousandth to about 10^12 in doublings: seconds, dollars and bytes alike. Sums are exact whatever the buckets.
  dynamic "bucket_options" {
    for_each = can(each.value.value) ? [1] : []
    content {
      exponential_buckets {
        num_finite_buckets = 50
        growth_factor      = 2
        scale              = 0.001
      }
    }
  }

  depends_on = [google_project_service.apis]
}

resource "google_monitoring_alert_policy" "alerts" {
  for_each              = local.alerts
  project               = var.project_id
  display_name          = "${var.prefix}: ${each.key}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.notification_channels
  user_labels           = local.labels

  conditions {
    display_name = each.key

    condition_prometheus_query_language {
      query               = each.value.query
      duration            = "${each.value.for_s}s"
      evaluation_interval = "60s"

      # A figure that was never logged is unknown to Cloud Monitoring, and no reason to refuse its alert.
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${each.value.summary}\n\nWhat to do: docs/runbook.md, chapter `${each.key}`."
  }

  depends_on = [google_logging_metric.figures]
}
