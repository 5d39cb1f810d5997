locals {
  databases = merge({ (var.database) = google_firestore_database.main.name },
  { for tenant, id in var.tenant_databases : id => google_firestore_database.tenant[tenant].name })

  # Every field has an index unless told otherwise: it is written with each document, and a field
  # longer than 1,500 bytes is cut for it. Times that only grow make hot spots in theirs, which bound
  # the writes of a collection to 500 a second. Queries go by __name__ and by the fields that are not
  # here: dead_letters.log_id, plans.log_id, plans.characters, recorded.plan.
  unindexed = {
    processed_logs = [
      "original_text", "modified_data", "original_text_parts", "modified_data_parts", "processed_at",
      "received_at", "source", "tenant_id", "log_id", "sha256", "characters", "redactions",
      "rules_version", "attempts",
    ]
    dead_letters = [
      "text", "text_parts", "error", "received_at", "buried_at", "sha256", "characters", "reason",
      "attempts", "source", "nonce",
    ]
    plans = [
      "text", "text_parts", "received_at", "sha256", "source", "traceparent", "chunk_characters",
      "chunks", "sent", "nonce",
    ]
    parts  = ["text"]
    deaths = ["begun"]
  }

  exemptions = merge([
    for database in keys(local.databases) : merge([
      for collection, fields in local.unindexed : {
        for field in fields : "${database}/${collection}/${field}" => {
          database   = database
          collection = collection
          field      = field
        }
      }
    ]...)
  ]...)
}

resource "google_firestore_database" "main" {
  name        = var.database
  location_id = coalesce(var.database_location, var.region)
  type        = "FIRESTORE_NATIVE"

  delete_protection_state           = var.delete_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.delete_protection ? "ABANDON" : "DELETE"
  point_in_time_recovery_enablement = var.point_in_time_recovery ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"
}

resource "google_firestore_field" "unindexed" {
  for_each   = local.exemptions
  database   = local.databases[each.value.database]
  collection = each.value.collection
  field      = each.value.field

  index_config {} # empty: none

  # A database that stays keeps its exemptions: without them Firestore would index all of it.
  deletion_policy = "ABANDON"
}

# The gateway has Firestore add up the characters of all plans, and of one tenant's: how much work is
# unfinished. Both sums need the field's index, each in a scope of its own.
resource "google_firestore_field" "summed" {
  for_each   = local.databases
  database   = each.value
  collection = "plans"
  field      = "characters"

  index_config {
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION"
    }
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION_GROUP"
    }
  }

  deletion_policy = "ABANDON"
}

# Plans with what is recorded of them, and deaths, are of use only while their messages can come. A
# document's parts and dead letters have no such field, and stay.
resource "google_firestore_field" "expire" {
  for_each = {
    for pair in setproduct(keys(local.databases), ["deaths", "parts", "plans", "recorded"]) :
    "${pair[0]}/${pair[1]}" => { database = local.databases[pair[0]], collection = pair[1] }
  }
  database   = each.value.database
  collection = each.value.collection
  field      = "expires_at"

  index_config {}
  ttl_config {}

  deletion_policy = "ABANDON"
}
