"""Every minute: progress, lost results, stalled stages, deadlines, leftovers."""
