# The stronger wall, for the tenants of var.tenant_databases: a database each, and an account each
# that sees it alone. IAM conditions reach databases, not collections, so this is as fine as it gets.

resource "google_firestore_database" "tenant" {
  for_each    = var.tenant_databases
  name        = each.value
  location_id = coalesce(var.database_location, var.region)
  type        = "FIRESTORE_NATIVE"

  delete_protection_state           = var.delete_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.delete_protection ? "ABANDON" : "DELETE"
  point_in_time_recovery_enablement = var.point_in_time_recovery ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"
}

# Named by a hash: a tenant's id may be longer than an account's, and have other letters.
resource "google_service_account" "tenant" {
  for_each     = var.tenant_databases
  account_id   = "${var.prefix}-t-${substr(sha256(each.key), 0, 8)}"
  display_name = "Logweir: tenant ${substr(each.key, 0, 80)}"
}

resource "google_project_iam_member" "tenant_stores" {
  for_each = var.tenant_databases
  project  = var.project
  role     = "roles/datastore.user"
  member   = google_service_account.tenant[each.key].member

  condition {
    title      = "${var.prefix}-tenant-${substr(sha256(each.key), 0, 8)}"
    expression = "resource.name == \"projects/${var.project}/databases/${each.value}\""
  }
}

resource "google_service_account_iam_member" "worker_acts_for_tenant" {
  for_each           = var.tenant_databases
  service_account_id = google_service_account.tenant[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.worker.member
}
