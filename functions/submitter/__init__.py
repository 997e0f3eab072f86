"""Archive ready → training at fal.ai: claims, submits once, records."""
