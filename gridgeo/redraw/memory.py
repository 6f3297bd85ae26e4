"""What was worked out once of a thing that never changes, kept with it for as long as it lives."""

from __future__ import annotations

import weakref
from typing import Any

_known: dict[int, tuple[weakref.ref[Any], dict[str, Any]]] = {}


def notes_on(owner: object) -> dict[str, Any]:
    """Return the notes kept on a plan or a frame.

    Parameters
    ----------
    owner : object
        The thing; notes must not refer to it, or they would keep it alive.

    Returns
    -------
    dict
        What others worked out of it, to be looked up and added to.
    """
    number = id(owner)
    known = _known.get(number)
    if known is not None and known[0]() is owner:
        return known[1]

    # At the very end of a program the module's names are gone before the last plan is.
    shelf = _known

    def forget(reference: weakref.ref[Any]) -> None:
        # Another thing may have taken the number of one that is gone.
        if number in shelf and shelf[number][0] is reference:
            del shelf[number]

    notes: dict[str, Any] = {}
    _known[number] = (weakref.ref(owner, forget), notes)
    return notes
