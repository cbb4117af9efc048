"""What is called off together with something else, and can also be called off alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from metalith.sources._cancel import Cancel

__all__ = ["linked"]


@contextmanager
def linked(cancel: Cancel | None) -> Iterator[Cancel]:
    """A `Cancel` of one's own, which the given one cancels too, until the end of the block. Never the other way round.

    Parameters
    ----------
    cancel : Cancel or None

    Examples
    --------
    >>> from metalith.sources._cancel import Cancel
    >>> from metalith.sources._linked import linked
    >>> whole = Cancel()
    >>> with linked(whole) as part:
    ...     part.cancel()
    >>> whole.cancelled
    False
    """
    own = Cancel()
    if cancel is None:
        yield own
        return
    handle = cancel.on_cancel(own.cancel)
    try:
        yield own
    finally:
        handle.remove()
