"""What the fal.ai simulator's tests stand on: datasets, a customer of fal.ai and a receiver of webhooks."""
