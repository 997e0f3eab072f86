# The settings of shared/settings that a deployment may want otherwise, by the groups and names there.

variable "settings" {
  description = <<-EOT
    Settings that are not as shared/settings has them, by its groups: `{ dataset = { max_images = 500 } }`. A setting
    that is not named, or null, is not passed on, and has its default there. What each means is in .env.example.
    Three have defaults of their own here, because of what Cloud Run and Pub/Sub are: `dataset.max_image_bytes` (Cloud Run
    refuses requests of 32 MiB, so no larger picture could be uploaded), `api.shoot_import` (off: shoots are the app's;
    on, the API may write into its bucket) and `delivery.max_delivery_attempts` (the subscriptions need the number, too).
  EOT

  type = object({
    fal = optional(object({
      fal_queue_url   = optional(string)
      fal_api_url     = optional(string)
      fal_jwks_url    = optional(string)
      fal_media_hosts = optional(list(string))
      fal_user_id     = optional(string)
      fal_timeout_s   = optional(number)
    }), {})
    webhook = optional(object({
      webhook_max_bytes      = optional(number)
      webhook_body_timeout_s = optional(number)
      webhook_tolerance_s    = optional(number)
      webhook_keys_max_age_s = optional(number)
      webhook_keys_timeout_s = optional(number)
    }), {})
    dataset = optional(object({
      max_images             = optional(number)
      max_image_bytes        = optional(number, 31457280)
      max_image_pixels       = optional(number)
      max_dataset_bytes      = optional(number)
      max_caption_bytes      = optional(number)
      max_caption_characters = optional(number)
      read_ahead_bytes       = optional(number)
      read_ahead_objects     = optional(number)
      archive_url_ttl_s      = optional(number)
    }), {})
    submit = optional(object({
      claim_lease_s     = optional(number)
      archive_url_min_s = optional(number)
    }), {})
    mirror = optional(object({
      max_weights_bytes = optional(number)
      max_config_bytes  = optional(number)
      max_made_bytes    = optional(number)
      max_made_pixels   = optional(number)
      staging_s         = optional(number)
    }), {})
    monitor = optional(object({
      tick_trainings              = optional(number)
      tick_objects                = optional(number)
      progress_interval_s         = optional(number)
      stalled_s                   = optional(number)
      mirror_stalled_s            = optional(number)
      watch_s                     = optional(number)
      watch_interval_s            = optional(number)
      leftover_s                  = optional(number)
      deadline_requested_s        = optional(number)
      deadline_packaged_s         = optional(number)
      deadline_submitting_s       = optional(number)
      deadline_submitted_s        = optional(number)
      deadline_running_s          = optional(number)
      deadline_mirroring_s        = optional(number)
      deadline_images_submitted_s = optional(number)
      deadline_images_running_s   = optional(number)
    }), {})
    delivery = optional(object({
      max_delivery_attempts = optional(number, 10)
    }), {})
    notify = optional(object({
      notify_url       = optional(string)
      notify_timeout_s = optional(number)
    }), {})
    story = optional(object({
      story_kept_days = optional(number)
    }), {})
    retention = optional(object({
      failed_kept_days  = optional(number)
      erasure_settles_s = optional(number)
    }), {})
    tracing = optional(object({
      tracing                     = optional(string)
      tracing_share               = optional(number)
      otel_exporter_otlp_endpoint = optional(string)
    }), {})
    api = optional(object({
      auth_mode               = optional(string, "firebase")
      identity_keys_timeout_s = optional(number)
      operators               = optional(list(string))
      cors_origins            = optional(list(string))
      image_origins           = optional(list(string))
      trainings_at_once       = optional(number)
      image_jobs_at_once      = optional(number)
      sample_images           = optional(number)
      budget_usd_per_day      = optional(number)
      rate_limit_per_minute   = optional(number)
      shoot_import            = optional(bool, false)
      max_body_bytes          = optional(number)
      body_timeout_s          = optional(number)
      file_timeout_s          = optional(number)
      download_url_ttl_s      = optional(number)
      thumbnail_url_ttl_s     = optional(number)
      events_poll_s           = optional(number)
      events_streams          = optional(number)
      events_streams_per_user = optional(number)
    }), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["firebase", "iap"], var.settings.api.auth_mode)
    error_message = "api.auth_mode is firebase or iap; local believes everybody and is for one's own machine."
  }

  validation {
    condition     = var.settings.dataset.max_image_bytes >= 1 && var.settings.dataset.max_image_bytes <= 32505856
    error_message = "dataset.max_image_bytes is at most 31 MiB: Cloud Run refuses requests of 32 MiB before anybody could say why."
  }

  validation {
    condition     = coalesce(var.settings.api.sample_images, 1) <= 4
    error_message = "api.sample_images is at most 4: so many pictures fal.ai makes at a time."
  }

  validation {
    condition     = var.settings.delivery.max_delivery_attempts >= 5 && var.settings.delivery.max_delivery_attempts <= 100
    error_message = "delivery.max_delivery_attempts is 5 to 100 in Pub/Sub."
  }

  validation {
    condition = alltrue([
      for ttl_s in [
        var.settings.dataset.archive_url_ttl_s, var.settings.api.download_url_ttl_s, var.settings.api.thumbnail_url_ttl_s,
      ] : coalesce(ttl_s, 1) >= 1 && coalesce(ttl_s, 1) <= 43200
    ])
    error_message = "A signed address is good for 12 h (43200 s) at most: the key that signs it may go after that."
  }

  validation {
    condition     = can(regex("^https://", coalesce(var.settings.notify.notify_url, "https://")))
    error_message = "notify.notify_url is told of people's trainings: https only."
  }

  validation {
    condition     = coalesce(var.settings.notify.notify_timeout_s, 1) <= 30
    error_message = "notify.notify_timeout_s is at most 30 s, so that the notifier ends before its message comes again."
  }

  validation {
    condition     = contains(["off", "cloud", "otlp"], coalesce(var.settings.tracing.tracing, "off"))
    error_message = "tracing.tracing is off, cloud (Cloud Trace) or otlp (a collector of one's own)."
  }

  validation {
    condition     = coalesce(var.settings.tracing.tracing_share, 1.0) <= 1.0
    error_message = "tracing.tracing_share is 0 to 1: how many of all ways are recorded."
  }

  validation {
    condition     = coalesce(var.settings.webhook.webhook_keys_max_age_s, 1) <= 86400
    error_message = "webhook.webhook_keys_max_age_s is at most a day (86400 s), as fal.ai asks."
  }

  validation {
    condition = coalesce(var.settings.submit.claim_lease_s, 180) < (
      (var.settings.delivery.max_delivery_attempts - 1) * local.topics["dataset-packaged"].submitter.minimum_backoff_s
    )
    error_message = "submit.claim_lease_s must end before the last delivery does, or the message is dead while its claim still holds."
  }

  validation {
    condition = alltrue(flatten([
      for group in values(var.settings) : [for value in values(group) : try(value >= 0, true) if value != null]
    ]))
    error_message = "No setting is a negative number."
  }
}
