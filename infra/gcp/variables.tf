variable "project_id" {
  description = "Project that everything is made in; one per environment, for topics are named as the code names them."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "This is the project's id (6 to 30 lower-case letters, digits and hyphens), not its name or number."
  }
}

variable "environment" {
  description = "Which environment this is, in a word: a label, and what the dashboard is called."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.environment))
    error_message = "An environment is named in lower-case letters, digits and hyphens, such as dev or prod."
  }
}

variable "region" {
  description = "Region of services, buckets, messages and images: pictures of people do not leave it, except to fal.ai."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is named like europe-west1; a zone or a multi-region is none."
  }
}

variable "firestore_location" {
  description = "Location of the database: the region, or a multi-region such as eur3. It can never be changed."
  type        = string

  validation {
    condition     = can(regex("^([a-z]+-[a-z]+[0-9]+|eur3|nam5|nam7)$", var.firestore_location))
    error_message = "Firestore lies in a region such as europe-west1, or in eur3, nam5 or nam7."
  }
}

variable "firestore_database" {
  description = "Id of the database. Firebase's clients look for (default)."
  type        = string
  default     = "(default)"

  validation {
    condition     = can(regex("^(\\(default\\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$", var.firestore_database))
    error_message = "A database is (default), or has 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "release_rules" {
  description = "Whether the database's security rules are ours. Where the app has rules of its own, no: they would be replaced; add ours to them."
  type        = bool
  default     = true
}

variable "prefix" {
  description = "What names of services, accounts, secrets, images and buckets are told by."
  type        = string
  default     = "lora"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}[a-z0-9]$", var.prefix))
    error_message = "A prefix has 3 to 16 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "labels" {
  description = "Further labels of everything that can have some."
  type        = map(string)
  default     = {}
}

variable "image" {
  description = "Image of the services' first revisions, by digest. Afterwards the delivery pipeline deploys, and this is ignored."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by its digest (…@sha256:…): a tag says nothing about what runs."
  }
}

variable "webhook_url" {
  description = "Address that fal.ai calls, where the webhook has a domain of its own; null: Cloud Run's. No redirect may stand before it."
  type        = string
  default     = null

  validation {
    condition     = var.webhook_url == null || can(regex("^https://[^?#]+[^/?#]$", var.webhook_url))
    error_message = "fal.ai calls https only; without a query and without a final slash, for ids are appended."
  }
}

variable "console_url" {
  description = "Address of the console, for links to it in notifications, where it has a domain of its own; null: Cloud Run's."
  type        = string
  default     = null

  validation {
    condition     = var.console_url == null || can(regex("^https://[^?#]+[^/?#]$", var.console_url))
    error_message = "https, without a query and without a final slash, for paths are appended."
  }
}

variable "shoots_bucket" {
  description = "The app's own bucket of shoots, where it has one already; null: one is made here."
  type        = string
  default     = null
}

variable "app_subscribers" {
  description = "Who of the app pulls `training-finished`, by a short name: the IAM members that may. None: the app listens to Firestore."
  type        = map(set(string))
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.app_subscribers) : can(regex("^[a-z][a-z0-9-]{1,30}$", name))])
    error_message = "A subscriber is named in lower-case letters, digits and hyphens."
  }
}

variable "iap_members" {
  description = "IAM members that may open the console, with settings.api.auth_mode = iap."
  type        = set(string)
  default     = []
}

variable "fal_key_version" {
  description = "Version of the fal.ai key's secret: a number, or latest, which instances read when they start."
  type        = string
  default     = "latest"

  validation {
    condition     = can(regex("^(latest|[1-9][0-9]*)$", var.fal_key_version))
    error_message = "A version is a number, or latest."
  }
}

variable "instances" {
  description = "By function, how many instances are kept warm and how many there are at most, where it is not as in functions.tf."
  type        = map(object({ min = optional(number), max = optional(number) }))
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.instances), keys(local.functions))) == 0
    error_message = "There are instances of api, packager, submitter, webhook, mirror, monitor, eraser and notifier only."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete services, the database and buckets that are not empty."
  type        = bool
  default     = true
}

variable "backup_days" {
  description = "Days that the database's daily backups are kept."
  type        = number
  default     = 35

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 98
    error_message = "Firestore keeps backups for 1 to 98 days."
  }
}

variable "notification_channels" {
  description = "Who is told of alerts and of the budget: notification channels, by their full names."
  type        = list(string)

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "A channel is named projects/PROJECT/notificationChannels/NUMBER."
  }
}

variable "daily_spend_usd" {
  description = "What trainings may cost within a day before somebody is told, in US dollars. It stops nothing: settings.api.budget_usd_per_day does, per user."
  type        = number

  validation {
    condition     = var.daily_spend_usd > 0
    error_message = "An alert at nothing would always ring."
  }
}

variable "billing_account" {
  description = "Billing account whose budget is watched; null: none is, for instance where a central team does."
  type        = string
  default     = null

  validation {
    condition     = var.billing_account == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "A billing account is named like 012345-6789AB-CDEF01."
  }
}

variable "monthly_budget" {
  description = "What Google Cloud may cost a month before somebody is told, in the billing account's currency, in whole units."
  type        = number
  default     = 100

  validation {
    condition     = var.monthly_budget >= 1 && floor(var.monthly_budget) == var.monthly_budget
    error_message = "A budget is a whole number of the billing account's currency."
  }
}
