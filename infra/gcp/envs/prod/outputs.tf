output "lora" {
  description = "What was made: see outputs.tf of the module."
  value       = module.lora
}
