"""What changed between two versions of a layer, so that only that travels to a page which holds the first."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_COLUMNS = ("lookOf", "sizes", "titles", "labels", "labelAt", "labelRoom")
_HEAD = ("name", "group", "looks", "labelStyle", "shown", "estimated", "legend", "hover")
MOST_SHARE = 0.5
"""Where more than this share of the features changed, the whole layer is less work."""


def patch_layer(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any] | None:
    """Say what turns one version of a layer into another.

    Parameters
    ----------
    before, after : mapping
        Two versions of one layer, as `gridgeo.maps.features.MapLayer.data` gives them.

    Returns
    -------
    dict or None
        ``id``, ``version`` (the new one) and ``head`` (what is small); ``keys`` (the new order, where features came or
        went; else None); ``rows`` (new places of the features that changed) with a list a column that changed;
        ``geometryRows`` and ``geometry`` of those that moved. None when the whole layer should travel: another kind
        of layer, features without keys that came or went, or most of them changed.
    """
    order = _old_places(before, after)
    if order is None or _form(before) != _form(after):
        return None
    held = np.flatnonzero(order >= 0)
    moved = _moved(before["geometry"], after["geometry"], order)
    columns = {name: _column(before, after, name) for name in _COLUMNS}
    columns |= {
        f"field {number}": (old["values"], new["values"])
        for number, (old, new) in enumerate(zip(before["fields"], after["fields"], strict=True))
    }
    changed = order < 0
    differing = set()
    for name, (old, new) in columns.items():
        if old is None or new is None:
            continue
        differs = _differs(old, new, order, held)
        if differs.any() or (order < 0).any():
            differing.add(name)
            changed |= differs
    rows = np.flatnonzero(changed | moved)
    if len(rows) > MOST_SHARE * max(len(order), 1):
        return None
    picked = {name: [columns[name][1][row] for row in rows] for name in differing}
    same_order = len(order) == _count(before) and bool((order == np.arange(len(order))).all())
    fields = [picked.get(f"field {number}") for number in range(len(after["fields"]))]
    return {
        "id": after["id"],
        "version": after["version"],
        "head": {name: after[name] for name in _HEAD} | {"fields": [_meta(each) for each in after["fields"]]},
        "keys": None if same_order else after["keys"],
        "rows": rows.tolist(),
        **{name: [_number(value) for value in picked[name]] for name in _COLUMNS if name in picked},
        "fields": fields if any(fields) else None,
        "geometryRows": np.flatnonzero(moved).tolist(),
        "geometry": _pick_geometry(after["geometry"], np.flatnonzero(moved)) if moved.any() else None,
    }


def _old_places(before: Mapping[str, Any], after: Mapping[str, Any]) -> Ints | None:
    """Return where each feature was before, -1 for one that came; None where that cannot be told."""
    if before["keys"] is None or after["keys"] is None:
        return np.arange(_count(after)) if _count(before) == _count(after) else None
    place = {key: row for row, key in enumerate(before["keys"])}
    return np.array([place.get(key, -1) for key in after["keys"]], dtype=np.int64)


def _form(layer: Mapping[str, Any]) -> tuple[object, ...]:
    """Tell what two versions must have in common to be merged feature by feature."""
    there = tuple(layer[name] is None for name in _COLUMNS)
    return layer["kind"], "parts" in layer["geometry"], there, len(layer["fields"])


def _count(layer: Mapping[str, Any]) -> int:
    geometry = layer["geometry"]
    return len(geometry["features"]) if "features" in geometry else len(_lonlat(geometry)) // 2


def _column(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> tuple[Any, Any]:
    return tuple(  # type: ignore[return-value]
        np.frombuffer(base64.b64decode(layer[name]), dtype=np.uint8) if isinstance(layer[name], str) else layer[name]
        for layer in (before, after)
    )


def _differs(old: Any, new: Any, order: Ints, held: Ints) -> npt.NDArray[np.bool_]:  # noqa: ANN401 - any column
    found = np.zeros(len(order), dtype=bool)
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        found[held] = old[order[held]] != new[held]
    else:
        found[held] = [old[order[row]] != new[row] for row in held]
    return found


def _lonlat(geometry: Mapping[str, Any]) -> npt.NDArray[np.int32]:
    return np.frombuffer(base64.b64decode(geometry["lonlat"]), dtype="<i4")


def _moved(before: Mapping[str, Any], after: Mapping[str, Any], order: Ints) -> npt.NDArray[np.bool_]:
    """Tell which features have another geometry, or are new."""
    if before == after:
        return order < 0
    one, two = _lonlat(before), _lonlat(after)
    old, new = _spans(before), _spans(after)
    moved = np.ones(len(order), dtype=bool)
    for row in np.flatnonzero(order >= 0):
        (begin, end, parts), (start, stop, others) = old[order[row]], new[row]
        moved[row] = parts != others or not np.array_equal(one[begin:end], two[start:stop])
    return moved


def _spans(geometry: Mapping[str, Any]) -> list[tuple[int, int, list[int]]]:
    """Return each feature's stretch of the packed coordinates, and the sizes of its parts."""
    if "parts" not in geometry:
        return [(2 * row, 2 * row + 2, [1]) for row in range(len(_lonlat(geometry)) // 2)]
    part = np.concatenate([[0], np.cumsum(geometry["features"])]).astype(int)
    vertex = np.concatenate([[0], np.cumsum(geometry["parts"])]).astype(int)
    return [
        (int(2 * vertex[begin]), int(2 * vertex[end]), geometry["parts"][begin:end]) for begin, end in pairwise(part)
    ]


def _pick_geometry(geometry: Mapping[str, Any], rows: Ints) -> dict[str, Any]:
    lonlat, spans = _lonlat(geometry), _spans(geometry)
    picked = [spans[row] for row in rows]
    packed = b"".join(lonlat[begin:end].tobytes() for begin, end, _ in picked)
    found: dict[str, Any] = {"lonlat": base64.b64encode(packed).decode("ascii")}
    if "parts" in geometry:
        found["parts"] = [size for _, _, parts in picked for size in parts]
        found["features"] = [len(parts) for _, _, parts in picked]
    return found


def _meta(field: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in field.items() if name != "values"}


def _number(value: object) -> object:
    return int(value) if isinstance(value, np.integer) else value
