variable "project_id" {
  description = "Project that everything is made in."
  type        = string
}

variable "region" {
  description = "Region of the service."
  type        = string
}

variable "name" {
  description = "Name of the service and of its account."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "A service account's id has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "description" {
  description = "What the function is for, in a few words."
  type        = string
}

variable "labels" {
  description = "Labels of the service."
  type        = map(string)
  default     = {}
}

variable "image" {
  description = "Image of the first revision, by digest; afterwards the delivery pipeline deploys."
  type        = string
}

variable "environment" {
  description = "Environment variables, by name."
  type        = map(string)
}

variable "secrets" {
  description = "Environment variables that come from Secret Manager, by name."
  type        = map(object({ secret = string, version = string }))
  default     = {}
}

variable "project_roles" {
  description = "Roles of the account on the whole project."
  type        = set(string)
  default     = []
}

variable "bucket_roles" {
  description = "Roles of the account on single buckets; the keys only tell them apart."
  type        = map(object({ bucket = string, role = string }))
  default     = {}
}

variable "signs_urls" {
  description = "Whether the account signs URLs in its own name."
  type        = bool
  default     = false
}

variable "public" {
  description = "Whether everybody may call: the function itself then says who may do what."
  type        = bool
  default     = false
}

variable "behind_iap" {
  description = "Whether Identity-Aware Proxy stands in front; then nobody else gets through."
  type        = bool
  default     = false
}

variable "invokers" {
  description = "IAM members that may call; the keys only tell them apart."
  type        = map(string)
  default     = {}
}

variable "timeout_s" {
  description = "Seconds that a request may take."
  type        = number

  validation {
    condition     = var.timeout_s >= 1 && var.timeout_s <= 3600
    error_message = "Cloud Run ends requests after at most 3600 s."
  }
}

variable "memory" {
  description = "Memory of an instance, such as 512Mi or 2Gi."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+(Mi|Gi)$", var.memory))
    error_message = "Memory is a number of Mi or Gi."
  }
}

variable "cpu" {
  description = "Processors of an instance."
  type        = string

  validation {
    condition     = contains(["1", "2", "4", "8"], var.cpu)
    error_message = "Cloud Run gives 1, 2, 4 or 8 processors; with less than one, a single request at a time."
  }
}

variable "concurrency" {
  description = "Requests that an instance handles at once."
  type        = number

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000
    error_message = "Cloud Run gives an instance 1 to 1000 requests at once."
  }
}

variable "min_instances" {
  description = "Instances that are always warm."
  type        = number
  default     = 0
}

variable "max_instances" {
  description = "Instances, at most: what bounds the cost of a flood."
  type        = number

  validation {
    condition     = var.max_instances >= 1 && var.max_instances >= var.min_instances
    error_message = "There must be at least one instance, and no fewer than are kept warm."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the service."
  type        = bool
  default     = true
}
