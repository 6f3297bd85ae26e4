"""Layers of very many features taken apart: what they are travels at once, where they are as bytes of their own."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

MOST_WHOLE = 10_000
"""Up to so many lines or areas travel at once."""

MOST_POINTS = 20_000
"""Up to so many points travel at once."""

_A_CHUNK = 1_000
_SPOKEN = ("titles", "labels", "keys", "fields")


def is_large(layer: Mapping[str, Any]) -> bool:
    """Tell whether a layer is better taken apart.

    Parameters
    ----------
    layer : mapping
        What `gridgeo.maps.features.MapLayer.data` gives.

    Returns
    -------
    bool
        True for what `is_cut` or `is_packed`.
    """
    return is_cut(layer) or is_packed(layer)


def is_cut(layer: Mapping[str, Any]) -> bool:
    """Tell whether a layer is cut into squares, so that a page fetches only those it looks at.

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


def is_packed(layer: Mapping[str, Any]) -> bool:
    """Tell whether a layer's points are packed: one body of bytes, which a page fetches once.

    Parameters
    ----------
    layer : mapping
        What `gridgeo.maps.features.MapLayer.data` gives.

    Returns
    -------
    bool
        True for more than `MOST_POINTS` points that have only place, look and size.
    """
    return layer["kind"] == "points" and _count_points(layer) > MOST_POINTS and not any(map(layer.get, _SPOKEN))


def take_apart(layer: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Take a large layer apart.

    Parameters
    ----------
    layer : mapping
        A layer that `is_large`.

    Returns
    -------
    light : dict
        The layer without its places.
    bodies : list of bytes
        What of it is fetched: see `cut_layer` and `pack_points`.
    """
    return cut_layer(layer) if layer["kind"] == "polygons" else pack_points(layer)


def pack_points(layer: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Put a layer's points into one body of bytes.

    Parameters
    ----------
    layer : mapping
        A layer of points, as `gridgeo.maps.features.MapLayer.data` gives it.

    Returns
    -------
    light : dict
        The layer without places, looks and sizes, in the same order; in ``geometry`` how many ``points`` there are, in
        ``sizes`` whether they have sizes.
    bodies : list of bytes
        One: longitude and latitude of each point as little-endian 32-bit integers of 1e-7 degree, then a byte each for
        its look, then, where they have one, for its size.
    """
    sizes = layer["sizes"]
    body = base64.b64decode(layer["geometry"]["lonlat"]) + _as_bytes(layer["lookOf"])
    light = dict(layer) | {"geometry": {"points": _count_points(layer)}, "lookOf": [], "sizes": sizes is not None}
    return light, [body if sizes is None else body + _as_bytes(sizes)]


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


def _count_points(layer: Mapping[str, Any]) -> int:
    # Eight bytes a point, of which three make four characters.
    return len(layer["geometry"]["lonlat"]) * 3 // 32


def _as_bytes(column: str | list[int]) -> bytes:
    return base64.b64decode(column) if isinstance(column, str) else bytes(column)
