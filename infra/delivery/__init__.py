"""How the system is delivered: sources per function, revisions, smoke tests and traffic."""
