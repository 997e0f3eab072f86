output "name" {
  description = "Name of the topic."
  value       = google_pubsub_topic.topic.name
}

output "dead_letters" {
  description = "Subscriptions in which dead letters lie, by subscriber."
  value       = { for subscriber, subscription in google_pubsub_subscription.dead_letter : subscriber => subscription.name }
}
