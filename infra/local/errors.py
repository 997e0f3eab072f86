"""Why a stack cannot run, for the person at the terminal."""

from __future__ import annotations

UNREADABLE = 2
"""The exit code where a setting cannot be read; of every process of the stack."""


class StackError(Exception):
    """Why the stack cannot run, and what to do."""
