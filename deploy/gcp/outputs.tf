output "ingest_url" {
  description = "Where logs go: POST, JSON or text."
  value       = "${google_cloud_run_v2_service.gateway.uri}/ingest"
}

output "gateway_url" {
  description = "For `logweir send --url` and `logweir flood`."
  value       = google_cloud_run_v2_service.gateway.uri
}

output "worker_url" {
  description = "Private: Pub/Sub alone may call it."
  value       = google_cloud_run_v2_service.worker.uri
}

output "environment" {
  description = "What `logweir ls`, `get`, `status` and `dead` need on your own machine."
  value = {
    LOGWEIR_BACKEND      = "gcp"
    LOGWEIR_GCP_PROJECT  = var.project
    LOGWEIR_GCP_PREFIX   = var.prefix
    LOGWEIR_GCP_DATABASE = var.database
  }
}

output "repository" {
  description = "Where the image lies."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}
