"""Whether something shared is another one since a page was drawn: a few bytes, asked for often, and nothing is drawn.

A part of a page that runs again by Streamlit's timer would do too, but its message can carry a click along that is just
being sent: the click would then count twice.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Protocol

LOOK_S = 4
"""How often a page asks."""

_SALT = secrets.token_bytes(16)


class Marked(Protocol):
    """What several readers change: a living plan, a scenario that is worked on."""

    @property
    def mark(self) -> str:
        """A word that is another one after every change; told at once, whoever is at work."""


_named: dict[str, Marked] = {}


def follow(shared: Marked) -> dict[str, Any]:
    """Say how a map learns that somebody else changed what it shows; ask before that is looked up.

    Parameters
    ----------
    shared : Marked
        What the page shows.

    Returns
    -------
    dict
        For `app.parts.component.show_map`: ``address``, which nobody can guess who was not shown it; ``mark``, what is
        answered there as long as nothing changed; ``every_s``.
    """
    # What is named is held, so no other takes its number.
    address = hashlib.sha256(_SALT + str(id(shared)).encode()).hexdigest()[:32]
    _named[address] = shared
    return {"address": address, "mark": shared.mark, "every_s": LOOK_S}


def latest(address: str) -> str | None:
    """Return the mark of something shared as it is now.

    Parameters
    ----------
    address : str
        What `follow` said.

    Returns
    -------
    str or None
        Its mark; None when nobody was shown it.
    """
    shared = _named.get(address)
    return shared.mark if shared else None
