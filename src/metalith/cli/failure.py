"""What ends a command early; the message is all that the user sees of it."""

from __future__ import annotations

__all__ = ["InputError", "UsageError"]


class InputError(Exception):
    """Exit code 1."""


class UsageError(Exception):
    """Exit code 2."""
