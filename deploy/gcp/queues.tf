#   gateway, worker --> logs, chunks --push--> worker        two lanes: a short log never waits behind
#                            |                   ^           the chunks of a long one
#                   after 100 deliveries         |
#                            v                   |
#                           dead ------push------+           publishes it to its lane anew
#
#   worker --> quarantine                                    what cannot be read; kept, for people

locals {
  lanes = toset(["logs", "chunks"])

  # A chunk's work twice over, and two minutes for cold starts, the store and the last redaction.
  ack_deadline_seconds = min(600, 120 + ceil(2 * var.chunk_seconds))

  retention = "2678400s" # 31 days, the most there is

  # Pub/Sub itself: it moves what was delivered too often, and signs the tokens of its pushes.
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic" "lane" {
  #checkov:skip=CKV_GCP_83:Google's own keys encrypt it; a key of one's own is never free, and 202 would depend on it
  for_each = local.lanes
  name     = "${var.prefix}-${each.key}"
}

resource "google_pubsub_topic" "dead" {
  #checkov:skip=CKV_GCP_83:as for the lanes
  name = "${var.prefix}-dead"
}

resource "google_pubsub_topic" "quarantine" {
  #checkov:skip=CKV_GCP_83:as for the lanes
  name = "${var.prefix}-quarantine"
}

resource "google_pubsub_subscription" "lane" {
  for_each = local.lanes
  name     = "${var.prefix}-${each.key}"
  topic    = google_pubsub_topic.lane[each.key].id

  ack_deadline_seconds       = local.ack_deadline_seconds
  message_retention_duration = local.retention

  push_config {
    push_endpoint = google_cloud_run_v2_service.worker.uri

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = google_cloud_run_v2_service.worker.uri
    }
  }

  expiration_policy {
    ttl = "" # never: an idle subscription would go after 31 days, and each 202 after it into nothing
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = 100 # the most there is
  }

  # Before these a push is refused, and a message that has to be moved stays.
  depends_on = [
    google_cloud_run_v2_service_iam_member.push_invokes_worker,
    google_pubsub_topic_iam_member.pubsub_buries,
    google_pubsub_subscription.dead,
    google_service_account_iam_member.pubsub_signs_as_push,
  ]
}

# What was delivered in vain a hundred times: an outage, or overload. Its worker publishes it anew,
# so it waits on here only while nothing can be published.
resource "google_pubsub_subscription" "dead" {
  name  = "${var.prefix}-dead"
  topic = google_pubsub_topic.dead.id

  ack_deadline_seconds       = 60
  message_retention_duration = local.retention

  push_config {
    push_endpoint = google_cloud_run_v2_service.worker.uri

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = google_cloud_run_v2_service.worker.uri
    }
  }

  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = "60s"
    maximum_backoff = "600s"
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.push_invokes_worker,
    google_service_account_iam_member.pubsub_signs_as_push,
  ]
}

resource "google_pubsub_subscription" "quarantine" {
  name  = "${var.prefix}-quarantine"
  topic = google_pubsub_topic.quarantine.id

  ack_deadline_seconds       = 60
  message_retention_duration = local.retention

  expiration_policy {
    ttl = ""
  }
}
