output "addresses" {
  description = "Where the services answer, by function."
  value       = { for name, function in module.function : name => function.uri }
}

output "services" {
  description = "Names of the services, by function: what the delivery pipeline deploys to."
  value       = { for name, function in module.function : name => function.name }
}

output "webhook_url" {
  description = "What fal.ai calls, with a training's ids appended."
  value       = local.wired.fal.webhook_url
}

output "images" {
  description = "Where images are pushed."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}

output "buckets" {
  description = "Names of the buckets, by what they hold."
  value       = local.bucket_names
}

output "dead_letters" {
  description = "Subscriptions in which dead letters lie, by topic and subscriber."
  value       = { for name, topic in module.topic : name => topic.dead_letters }
}

output "fal_key_secret" {
  description = "Secret that the fal.ai key is to be added to."
  value       = google_secret_manager_secret.fal_key.secret_id
}
