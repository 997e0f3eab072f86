output "name" {
  description = "Name of the service."
  value       = google_cloud_run_v2_service.service.name
}

output "uri" {
  description = "Address of the service, and the audience of tokens for it."
  value       = google_cloud_run_v2_service.service.uri
}

output "member" {
  description = "The service's account, as IAM names it."
  value       = google_service_account.account.member
}
