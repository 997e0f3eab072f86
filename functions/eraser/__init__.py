"""Deletes what its owner wants gone, and what has had its time."""
