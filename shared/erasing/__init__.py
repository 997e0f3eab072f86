"""Erasing: what there is of a subject, in which order it goes, what hinders it, and what its receipt tells."""
