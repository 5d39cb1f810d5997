locals {
  channels = concat(var.notification_channels, google_monitoring_notification_channel.email[*].id)
}

resource "google_monitoring_notification_channel" "email" {
  count        = var.alert_email == "" ? 0 : 1
  type         = "email"
  display_name = "Logweir"

  labels = {
    email_address = var.alert_email
  }
}

resource "google_monitoring_alert_policy" "backlog" {
  count                 = var.alerts ? 1 : 0
  display_name          = "${var.prefix}: the backlog is old"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels

  conditions {
    display_name = "A message has waited for ${var.backlog_alert_seconds} s"

    # One condition for both lanes: conditions are what alerting is priced by.
    condition_threshold {
      filter = join(" AND ", [
        "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\"",
        "resource.type = \"pubsub_subscription\"",
        "resource.labels.subscription_id = one_of(\"${var.prefix}-logs\", \"${var.prefix}-chunks\")",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = var.backlog_alert_seconds
      duration        = "300s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Nothing is lost while it waits, for 31 days. More workers: `worker_instances_max`. What they say: the logs of `${var.prefix}-worker`."
  }
}

resource "google_monitoring_alert_policy" "dead" {
  count                 = var.alerts ? 1 : 0
  display_name          = "${var.prefix}: a message could not be delivered, or not be read"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "There is a message in ${var.prefix}-dead or -quarantine"

    condition_threshold {
      filter = join(" AND ", [
        "metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\"",
        "resource.type = \"pubsub_subscription\"",
        "resource.labels.subscription_id = one_of(\"${var.prefix}-dead\", \"${var.prefix}-quarantine\")",
      ])
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Kept for 31 days. In `${var.prefix}-dead`: delivered in vain 100 times; the worker publishes it anew as soon as it can. In `${var.prefix}-quarantine`: unreadable, or its plan is gone; look at it, it is text."
  }
}
