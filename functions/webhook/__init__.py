"""fal.ai calls → somebody looks: verifies the signature and publishes the ids."""
