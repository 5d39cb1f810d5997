# One account for each that acts, with no more than it needs.
#
#   client --> gateway --publishes--> lanes --push, signed as push--> worker --> database
#              (gateway)                                              (worker) --> lanes, quarantine

resource "google_service_account" "gateway" {
  account_id   = "${var.prefix}-gateway"
  display_name = "Logweir: takes logs in"
}

resource "google_service_account" "worker" {
  account_id   = "${var.prefix}-worker"
  display_name = "Logweir: works through them and stores them"
}

resource "google_service_account" "push" {
  account_id   = "${var.prefix}-push"
  display_name = "Logweir: as whom Pub/Sub calls the worker"
}

# ---- who may call ------------------------------------------------------------------------------

resource "google_cloud_run_v2_service_iam_member" "anyone_ingests" {
  name     = google_cloud_run_v2_service.gateway.name
  location = google_cloud_run_v2_service.gateway.location
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_cloud_run_v2_service_iam_member" "push_invokes_worker" {
  name     = google_cloud_run_v2_service.worker.name
  location = google_cloud_run_v2_service.worker.location
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}

# ---- who may publish ---------------------------------------------------------------------------

resource "google_pubsub_topic_iam_member" "gateway_publishes" {
  for_each = local.lanes
  topic    = google_pubsub_topic.lane[each.key].name
  role     = "roles/pubsub.publisher"
  member   = google_service_account.gateway.member
}

resource "google_pubsub_topic_iam_member" "worker_publishes" {
  for_each = local.lanes
  topic    = google_pubsub_topic.lane[each.key].name
  role     = "roles/pubsub.publisher"
  member   = google_service_account.worker.member
}

resource "google_pubsub_topic_iam_member" "worker_quarantines" {
  topic  = google_pubsub_topic.quarantine.name
  role   = "roles/pubsub.publisher"
  member = google_service_account.worker.member
}

# ---- who may store -----------------------------------------------------------------------------

resource "google_project_iam_member" "worker_stores" {
  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.worker.member

  # Of this database alone: into a tenant's own the worker gets only as that tenant's account.
  condition {
    title      = "${var.prefix}-database"
    expression = "resource.name == \"projects/${var.project}/databases/${var.database}\""
  }
}

# Adding up what is unfinished is reading, and IAM reaches databases, not fields or collections: so
# the gateway can read what is stored, and writes nothing. Without bounds it has no right to it.
resource "google_project_iam_member" "gateway_adds_up" {
  count   = var.backlog_characters_max + var.tenant_backlog_characters_max > 0 ? 1 : 0
  project = var.project
  role    = "roles/datastore.viewer"
  member  = google_service_account.gateway.member

  condition {
    title      = "${var.prefix}-backlog"
    expression = "resource.name == \"projects/${var.project}/databases/${var.database}\""
  }
}

# ---- who may read the key of hashes ------------------------------------------------------------

# The secret itself is made by hand: what Terraform makes lies in its state.
resource "google_secret_manager_secret_iam_member" "worker_reads_key" {
  count     = var.redaction_key_secret == "" ? 0 : 1
  secret_id = var.redaction_key_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.worker.member
}

# ---- what Pub/Sub itself has to do -------------------------------------------------------------

resource "google_pubsub_topic_iam_member" "pubsub_buries" {
  topic  = google_pubsub_topic.dead.name
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "pubsub_takes_out" {
  for_each     = local.lanes
  subscription = google_pubsub_subscription.lane[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# Projects from before April 2021 need it; it says what is so anyway in the others.
resource "google_service_account_iam_member" "pubsub_signs_as_push" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent
}
