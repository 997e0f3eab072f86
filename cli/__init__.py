"""The `lora` command: a client of the HTTP API, and nothing that the API does not offer."""
