"""The notifier: tells one address outside that a training or a set of pictures has ended."""
