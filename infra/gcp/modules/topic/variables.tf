variable "project_id" {
  description = "Project that everything is made in."
  type        = string
}

variable "project_number" {
  description = "The same project's number, which its service agents are named after."
  type        = string
}

variable "name" {
  description = "Name of the topic, as the code publishes to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,79}$", var.name))
    error_message = "A topic is named in lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "labels" {
  description = "Labels of topics and subscriptions."
  type        = map(string)
  default     = {}
}

variable "regions" {
  description = "Regions in which messages may lie: some carry signed addresses of pictures."
  type        = list(string)
}

variable "retention" {
  description = "How long messages are kept, as a duration in seconds."
  type        = string
  default     = "604800s"

  validation {
    condition     = can(regex("^[0-9]+s$", var.retention))
    error_message = "A duration is a number of seconds followed by s."
  }
}

variable "publishers" {
  description = "IAM members that may publish; the keys only tell them apart."
  type        = map(string)
  default     = {}
}

variable "redrivers" {
  description = "IAM members that may look at the dead letters of what is pushed, and discard them; the keys only tell them apart."
  type        = map(string)
  default     = {}
}

variable "subscriptions" {
  description = <<-EOT
    Who hears the topic, by name. With `push` the message is POSTed to the endpoint with a token of the account; without,
    `readers` (IAM members) pull it. A delivery that is not acked within `ack_deadline_s` is tried again after a back-off
    that grows from the minimum to the maximum, and is a dead letter after `max_delivery_attempts`.
  EOT
  type = map(object({
    ack_deadline_s        = number
    minimum_backoff_s     = number
    maximum_backoff_s     = number
    max_delivery_attempts = number
    push                  = optional(object({ endpoint = string, account = string }))
    readers               = optional(set(string), [])
  }))
  default = {}

  validation {
    condition = alltrue([
      for s in var.subscriptions : s.ack_deadline_s >= 10 && s.ack_deadline_s <= 600 &&
      s.minimum_backoff_s <= s.maximum_backoff_s && s.maximum_backoff_s <= 600 &&
      s.max_delivery_attempts >= 5 && s.max_delivery_attempts <= 100
    ])
    error_message = "Pub/Sub allows ack deadlines of 10 to 600 s, back-offs of up to 600 s and 5 to 100 attempts."
  }
}
