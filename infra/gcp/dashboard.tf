# One page that shows how it goes: what users wait for and get, what it costs, what is stuck.

locals {
  charts = [
    ["Trainings by how they ended, per hour", "sum by (status, code) (increase(${local.figure.trainings}{${local.logged}}[1h]))"],
    ["Sets of pictures by how they ended, per hour", "sum by (status, code) (increase(${local.figure.images}{${local.logged}}[1h]))"],
    ["Spent, US dollars per day", "label_replace(sum(increase(${local.figure.cost_usd}_sum{${local.logged}}[1d])), \"for\", \"trainings\", \"\", \"\") or label_replace(sum(increase(${local.figure.images_cost_usd}_sum{${local.logged}}[1d])), \"for\", \"pictures\", \"\", \"\")"],
    ["How long a training takes, median and slowest tenth, s", "histogram_quantile(0.5, sum by (le) (increase(${local.figure.training_seconds}_bucket{${local.logged}}[1h]))) or label_replace(histogram_quantile(0.9, sum by (le) (increase(${local.figure.training_seconds}_bucket{${local.logged}}[1h]))), \"quantile\", \"0.9\", \"\", \"\")"],
    ["What is tried again", "sum by (stage, code) (increase(${local.figure.hindered_steps}{${local.logged}}[10m]))"],
    ["fal.ai: answers by operation", "sum by (operation, http_status) (increase(${local.figure.trainer_seconds}_count{${local.logged}}[10m]))"],
    ["fal.ai: slowest tenth of answers, s", "histogram_quantile(0.9, sum by (le, operation) (increase(${local.figure.trainer_seconds}_bucket{${local.logged}}[10m])))"],
    ["Packaged and kept, bytes per hour", "label_replace(sum(increase(${local.figure.dataset_bytes}_sum{${local.logged}}[1h])), \"what\", \"datasets\", \"\", \"\") or label_replace(sum(increase(${local.figure.weights_bytes}_sum{${local.logged}}[1h])), \"what\", \"weights\", \"\", \"\")"],
    ["Oldest waiting message, s", "max by (subscription_id) (pubsub_googleapis_com:subscription_oldest_unacked_message_age)"],
    ["Dead letters", "max by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{subscription_id=~\".*-dead-letter\"})"],
    ["Requests by service and answer, per second", "sum by (service_name, response_code_class) (rate(${local.requests}{${local.logged},service_name=~\"${var.prefix}-.*\"}[5m]))"],
    ["Slowest tenth of requests, ms", "histogram_quantile(0.9, sum by (le, service_name) (rate(run_googleapis_com:request_latencies_bucket{${local.logged},service_name=~\"${var.prefix}-.*\"}[5m])))"],
    ["Memory in use, fullest instance", "histogram_quantile(0.99, sum by (le, service_name) (rate(run_googleapis_com:container_memory_utilizations_bucket{${local.logged},service_name=~\"${var.prefix}-.*\"}[5m])))"],
  ]
}

resource "google_monitoring_dashboard" "overview" {
  project = var.project_id

  dashboard_json = jsonencode({
    displayName = "LoRA training (${var.environment})"
    gridLayout = {
      columns = "2"
      widgets = [
        for chart in local.charts : {
          title = chart[0]
          xyChart = {
            dataSets = [{ plotType = "LINE", timeSeriesQuery = { prometheusQuery = chart[1] } }]
          }
        }
      ]
    }
  })

  depends_on = [google_logging_metric.figures]
}
