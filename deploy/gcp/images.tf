# Where the image lies, and what Cloud Build needs to build it. scripts/deploy-gcp applies this file
# first: the services need an image, and the image needs a place.

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:Google's own keys encrypt it; a key of one's own costs, and guards an image of public code
  repository_id = var.prefix
  location      = var.region
  format        = "DOCKER"
  description   = "Logweir's image"

  # Half a GB is free: the last three stay, the others go after a week.
  cleanup_policies {
    id     = "keep-the-last"
    action = "KEEP"
    most_recent_versions {
      keep_count = 3
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "604800s"
    }
  }
}

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:copies of the sources, gone after a week; the audit logs of the project have who wrote
  #checkov:skip=CKV_GCP_78:copies of the sources, each under a name of its own: nothing is written over
  name                        = "${var.project}-${var.prefix}-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # it holds copies of the sources alone

  lifecycle_rule {
    condition {
      age = 7 # days
    }
    action {
      type = "Delete"
    }
  }
}

# Without one of its own a build runs as an account that may do far more.
resource "google_service_account" "build" {
  account_id   = "${var.prefix}-build"
  display_name = "Logweir: builds the image"
}

resource "google_artifact_registry_repository_iam_member" "build_pushes" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

resource "google_storage_bucket_iam_member" "build_reads_source" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.build.member
}

resource "google_project_iam_member" "build_logs" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}
