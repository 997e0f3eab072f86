"""Why a stack cannot run, for the person at the terminal."""

from __future__ import annotations


class StackError(Exception):
    """Why the stack cannot run, and what to do."""
