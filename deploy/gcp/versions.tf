terraform {
  required_version = ">= 1.9" # a validation may look at other variables

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 8.7, < 9" # tests/deploy holds every argument against the schema of 8.7.0
    }
  }

  backend "gcs" {} # its bucket and prefix come from scripts/deploy-gcp
}

provider "google" {
  project = var.project
  region  = var.region

  default_labels = {
    app = var.prefix
  }
}

data "google_project" "this" {
  project_id = var.project
}
