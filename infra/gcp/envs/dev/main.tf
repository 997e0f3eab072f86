# The environment for trying things: small, and not protected from being deleted.

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
    prefix = "costumes-lora/dev"
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

  environment           = "dev"
  project_id            = var.project_id
  region                = var.region
  firestore_location    = var.region
  image                 = var.image
  billing_account       = var.billing_account
  notification_channels = var.notification_channels
  monthly_budget        = 50
  daily_spend_usd       = 20
  backup_days           = 7
  deletion_protection   = false

  instances = {
    for function in ["api", "packager", "submitter", "webhook", "mirror"] : function => { max = 3 }
  }

  settings = {
    fal = local.fal
    api = {
      shoot_import       = true
      budget_usd_per_day = 10
    }
  }
}
