"""Layers of a map that are made once and kept as long as what they show is the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

Made = TypeVar("Made")

MOST = 24
"""How many are kept; the least lately used goes first."""

_kept: OrderedDict[tuple[object, ...], tuple[tuple[Any, ...], Any]] = OrderedDict()
_lock = Lock()


def keep(name: str, make: Callable[[], Made], *shown: object) -> Made:
    """Return what was made of the same objects before, or make it now.

    Parameters
    ----------
    name : str
        What is made.
    make : callable
        Makes it.
    *shown : object
        What it is made of. A plan's layers never change, so the same object means the same content.

    Returns
    -------
    object
        What `make` returned, now or before.
    """
    key = (name, *map(id, shown))
    with _lock:
        found = _kept.get(key)
        # Another object may have taken the number of one that is gone: kept ones are held, so theirs are safe.
        if found is not None:
            _kept.move_to_end(key)
            made: Made = found[1]
            return made
    made = make()
    with _lock:
        _kept[key] = (shown, made)
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    return made
