"""One folder per deployable function; none imports another."""
