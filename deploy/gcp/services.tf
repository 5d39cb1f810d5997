# Two services of one image. Both are gone while nobody calls, and neither can grow past its bound:
# what a flood brings waits in the queue.

locals {
  port = 8080

  environment = {
    LOGWEIR_BACKEND               = "gcp"
    LOGWEIR_HOST                  = "0.0.0.0"
    LOGWEIR_GCP_PROJECT           = var.project
    LOGWEIR_GCP_PREFIX            = var.prefix
    LOGWEIR_GCP_DATABASE          = var.database
    LOGWEIR_SECONDS_PER_CHARACTER = tostring(var.seconds_per_character)
    LOGWEIR_CHUNK_SECONDS         = tostring(var.chunk_seconds)
    LOGWEIR_TEXT_BYTES_MAX        = tostring(var.text_bytes_max)
    LOGWEIR_ATTEMPTS_MAX          = tostring(var.attempts_max)
    LOGWEIR_LOG_LEVEL             = var.log_level
  }

  gateway_environment = {
    LOGWEIR_BACKLOG_CHARACTERS_MAX        = tostring(var.backlog_characters_max)
    LOGWEIR_TENANT_BACKLOG_CHARACTERS_MAX = tostring(var.tenant_backlog_characters_max)
  }

  worker_environment = {
    LOGWEIR_CONCURRENCY = tostring(var.worker_concurrency)
    # Cloud Run has checked the token before a request reaches us, by the invoker's right.
    LOGWEIR_GCP_PUSH_AUTH  = "platform"
    LOGWEIR_REDACTION_TOML = var.redaction_file == "" ? "" : file(var.redaction_file)
    LOGWEIR_GCP_TENANT_DATABASES = join(",", [
      for tenant, id in var.tenant_databases : "${tenant}=${id}:${google_service_account.tenant[tenant].email}"
    ])
  }
}

resource "google_cloud_run_v2_service" "gateway" {
  name                = "${var.prefix}-gateway"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_ALL"
  deletion_protection = false # it holds nothing

  template {
    service_account                  = google_service_account.gateway.email
    max_instance_request_concurrency = var.gateway_concurrency
    timeout                          = "60s" # 30 to receive a body, 10 to publish it

    scaling {
      min_instance_count = 0
      max_instance_count = var.gateway_instances_max
    }

    containers {
      image = var.image
      args  = ["gateway"]

      ports {
        container_port = local.port
      }

      resources {
        limits = {
          cpu    = "1" # below one, an instance takes one request at a time
          memory = var.memory
        }
        cpu_idle          = true # paid for while requests are open
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 60
        tcp_socket {
          port = local.port
        }
      }

      dynamic "env" {
        for_each = merge(local.environment, local.gateway_environment)
        content {
          name  = env.key
          value = env.value
        }
      }
    }
  }

  # It would answer 503 until it may publish. And what is published while nobody subscribes is gone:
  # without the subscriptions its first 202 would be a lie.
  depends_on = [
    google_pubsub_topic_iam_member.gateway_publishes,
    google_pubsub_subscription.lane,
  ]
}

resource "google_cloud_run_v2_service" "worker" {
  name                = "${var.prefix}-worker"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY" # Pub/Sub of the same project is internal
  deletion_protection = false

  template {
    service_account                  = google_service_account.worker.email
    max_instance_request_concurrency = var.worker_concurrency
    timeout                          = "${local.ack_deadline_seconds}s" # longer, and Pub/Sub is gone

    scaling {
      min_instance_count = 0
      max_instance_count = var.worker_instances_max
    }

    containers {
      image = var.image
      args  = ["push"]

      ports {
        container_port = local.port
      }

      resources {
        limits = {
          cpu    = "1"
          memory = var.memory
        }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 60
        tcp_socket {
          port = local.port
        }
      }

      dynamic "env" {
        for_each = merge(local.environment, local.worker_environment)
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.redaction_key_secret == "" ? [] : [var.redaction_key_secret]
        content {
          name = "LOGWEIR_REDACTION_KEY"
          value_source {
            secret_key_ref {
              secret  = env.value
              version = var.redaction_key_version
            }
          }
        }
      }
    }
  }

  # It would nack every push until it may store and publish.
  depends_on = [
    google_firestore_field.unindexed,
    google_project_iam_member.worker_stores,
    google_pubsub_topic_iam_member.worker_publishes,
    google_pubsub_topic_iam_member.worker_quarantines,
    google_secret_manager_secret_iam_member.worker_reads_key,
    google_service_account_iam_member.worker_acts_for_tenant,
    google_pubsub_subscription.quarantine,
  ]
}
