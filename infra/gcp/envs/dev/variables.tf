variable "project_id" {
  description = "The environment's project."
  type        = string
}

variable "region" {
  description = "Where everything is."
  type        = string
  default     = "europe-west1"
}

variable "image" {
  description = "Image of the services' first revisions, by digest."
  type        = string
}

variable "billing_account" {
  description = "Billing account whose budget is watched; null: none is."
  type        = string
  default     = null
}

variable "notification_channels" {
  description = "Who is told of alerts and of the budget: notification channels, by their full names."
  type        = list(string)
}

variable "simulator_image" {
  description = "Image of the simulated fal.ai, by digest; null: trainings are real and paid here, too."
  type        = string
  default     = null

  validation {
    condition     = var.simulator_image == null || can(regex("@sha256:[0-9a-f]{64}$", var.simulator_image))
    error_message = "Name the image by its digest (…@sha256:…)."
  }
}
