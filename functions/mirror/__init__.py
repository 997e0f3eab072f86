"""Result reported → model kept: fetches, verifies and keeps what fal.ai produced."""
