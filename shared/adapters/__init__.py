"""The outside world behind the ports; the only place where SDKs are imported."""
