"""A layer of very many features cut into squares, so that a page fetches only those it looks at."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

MOST_WHOLE = 10_000
"""Up to so many lines or areas travel at once."""

_A_CHUNK = 1_000


def is_large(layer: Mapping[str, Any]) -> bool:
    """Tell whether a layer is better cut.

    Parameters
    ----------
    layer : mapping
        What `gridgeo.maps.features.MapLayer.data` gives.

    Returns
    -------
    bool
        True for more than `MOST_WHOLE` areas without labels of their own.
    """
    return layer["kind"] == "polygons" and len(layer["geometry"]["features"]) > MOST_WHOLE and not layer["labels"]


def cut_layer(layer: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Cut a layer into squares of about a thousand features each.

    Parameters
    ----------
    layer : mapping
        A layer of lines or areas, as `gridgeo.maps.features.MapLayer.data` gives it.

    Returns
    -------
    light : dict
        The layer without its places: features in the order of their squares, and in ``geometry`` the squares:
        ``chunks``, each with ``box`` (west, south, east, north in 1e-7 degree) and ``count``.
    chunks : list of bytes
        One a square, little-endian 32-bit integers: how many features and parts, the parts of each feature, the corners
        of each part, then longitude and latitude of each. A feature lies whole in the square of its first corner.
    """
    geometry = layer["geometry"]
    lonlat = np.frombuffer(base64.b64decode(geometry["lonlat"]), dtype="<i4").reshape(-1, 2)
    features, parts = (np.asarray(geometry[name], dtype="<i4") for name in ("features", "parts"))
    part = np.concatenate([[0], np.cumsum(features)])
    corner = np.concatenate([[0], np.cumsum(parts)])
    across = int(np.ceil(np.sqrt(len(features) / _A_CHUNK)))
    first = lonlat[corner[part[:-1]]].astype(np.float64)
    low, span = first.min(axis=0), np.maximum(np.ptp(first, axis=0), 1)
    column, row = np.minimum(((first - low) / span * across).astype(int), across - 1).T
    square = row * across + column
    order = np.argsort(square, kind="stable")
    chunks, boxes = [], []
    for rows in np.split(order, np.flatnonzero(np.diff(square[order])) + 1):
        mine = _spans(part, rows)
        places = lonlat[_spans(corner, mine)]
        head = np.array([len(rows), len(mine)], dtype="<i4")
        chunks.append(b"".join(each.tobytes() for each in (head, features[rows], parts[mine], places)))
        boxes.append({"box": [*places.min(axis=0).tolist(), *places.max(axis=0).tolist()], "count": len(rows)})
    light = dict(layer) | {name: _reorder(layer[name], order) for name in ("lookOf", "titles", "keys", "sizes")}
    light["fields"] = [{**field, "values": _reorder(field["values"], order)} for field in layer["fields"]]
    return {**light, "geometry": {"chunks": boxes}}, chunks


def _spans(start: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the places ``start[row]`` to ``start[row + 1]`` of some rows, one after the other."""
    size = start[rows + 1] - start[rows]
    begin = np.repeat(start[rows] - np.concatenate([[0], np.cumsum(size)[:-1]]), size)
    places: npt.NDArray[np.int64] = begin + np.arange(size.sum())
    return places


def _reorder(column: Any, order: npt.NDArray[np.int64]) -> Any:  # noqa: ANN401 - any column of a layer
    if isinstance(column, str):
        values = np.frombuffer(base64.b64decode(column), dtype=np.uint8)
        return base64.b64encode(values[order].tobytes()).decode("ascii")
    return None if column is None else [column[row] for row in order.tolist()]
