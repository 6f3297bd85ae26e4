"""The bytes of large layers, kept for the pages that fetch them."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from gridgeo.maps.chunks import take_apart

KEPT = 8
"""How many layers are kept; the least lately shown goes first."""

_SALT = secrets.token_bytes(16)
_kept: OrderedDict[str, tuple[dict[str, Any], list[bytes]]] = OrderedDict()
_lock = threading.Lock()


def keep_chunks(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a layer's bytes, and return what travels to the page at once.

    Parameters
    ----------
    layer : mapping
        What `gridgeo.maps.features.MapLayer.data` gives.

    Returns
    -------
    dict
        The light layer of `gridgeo.maps.chunks.take_apart`, with ``geometry.address``: under what the page asks for
        the rest. Nobody can guess it who was not shown the layer.
    """
    address = hashlib.sha256(_SALT + str(layer["version"]).encode()).hexdigest()[:32]
    with _lock:
        found = _kept.get(address)
        if found is None:
            light, chunks = take_apart(layer)
            light["geometry"]["address"] = address
            found = _kept[address] = (light, chunks)
        _kept.move_to_end(address)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
        return found[0]


def chunk(address: str, number: int) -> bytes | None:
    """Return one body of bytes: a square of areas, or all points.

    Parameters
    ----------
    address : str
        The layer's.
    number : int
        Which.

    Returns
    -------
    bytes or None
        None when there is no such body, or it is not kept any more.
    """
    with _lock:
        chunks = _kept[address][1] if address in _kept else []
        return chunks[number] if 0 <= number < len(chunks) else None
