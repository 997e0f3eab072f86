"""The adapters for one machine: SQLite, a directory and a queue; durable, restartable, no account."""
