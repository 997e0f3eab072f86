# What Google Cloud itself costs. fal.ai's bill is not in it: the alert on spending watches that one.

resource "google_billing_budget" "project" {
  count           = var.billing_account == null ? 0 : 1
  billing_account = var.billing_account
  display_name    = "${var.prefix} ${var.environment}"

  budget_filter {
    projects = ["projects/${local.project_number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.monthly_budget)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  threshold_rules {
    threshold_percent = 1
    spend_basis       = "FORECASTED_SPEND"
  }

  # Five channels are as many as a budget takes; without any, the billing account's administrators are told all the same.
  dynamic "all_updates_rule" {
    for_each = length(var.notification_channels) > 0 ? [1] : []
    content {
      monitoring_notification_channels = slice(var.notification_channels, 0, min(5, length(var.notification_channels)))
      disable_default_iam_recipients   = false
    }
  }

  depends_on = [google_project_service.apis]
}
