# The environment that users have: the API is always warm, and nothing is deleted by mistake.

terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 8.0"
    }
  }

  # The bucket is named at init: terraform init -backend-config=bucket=…
  backend "gcs" {
    prefix = "costumes-lora/prod"
  }
}

# The budget's API asks which project pays for the call.
provider "google" {
  project               = var.project_id
  region                = var.region
  billing_project       = var.project_id
  user_project_override = true
}

module "lora" {
  source = "../.."

  environment           = "prod"
  project_id            = var.project_id
  region                = var.region
  firestore_location    = var.region
  image                 = var.image
  billing_account       = var.billing_account
  notification_channels = var.notification_channels
  monthly_budget        = 500
  daily_spend_usd       = 500

  instances = {
    api = { min = 1 }
  }
}
