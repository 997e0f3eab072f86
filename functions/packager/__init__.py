"""Training requested → archive ready: checks the dataset, streams it into one ZIP, signs its URL."""
