"""The adapters for Google Cloud, and for its emulators: only hosts and credentials differ between the two."""
