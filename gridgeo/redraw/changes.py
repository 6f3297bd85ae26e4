"""What an edit does to a plan, row by row with the values before and after: exact both ways, and fit for a log."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.errors import PlanError
from gridgeo.plan import Plan
from gridgeo.redraw.board import find_board, keep_board
from gridgeo.redraw.ground import carry_ground, find_ground
from gridgeo.redraw.rows import exchange_rows, pick_texts, read_cells, same_value, set_arrays, set_rows
from gridgeo.schema import LAYERS


@dataclass(frozen=True)
class Change:
    """One row of one layer that becomes another, comes or goes.

    Parameters
    ----------
    layer : str
        The layer.
    row : int
        The row's place in the layer: in the layer before for one that stays or goes, in the layer after for one that
        comes.
    before, after : mapping or None
        The values that change, by column; of a row that comes or goes all values, and None on the side where it is not
        there. Values are text, numbers, flags, None for a missing one, or geometries.
    """

    layer: str
    row: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def reverse_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes that take others back.

    Parameters
    ----------
    changes : iterable of Change
        The changes.

    Returns
    -------
    tuple of Change
        Their reverse.
    """
    changes = tuple(changes)
    return tuple(
        Change(one.layer, _row_after(one, changes) if one.before and one.after else one.row, one.after, one.before)
        for one in changes
    )


def apply_changes(plan: Plan, changes: Iterable[Change], *, rev: int | None = None) -> Plan:
    """Make changes to a plan.

    Parameters
    ----------
    plan : Plan
        The plan; it stays as it is.
    changes : iterable of Change
        What changes. Rows change and go first, in the places they have; then rows come, in the places they get.
    rev : int, optional
        The record the changes stand in, for the error.

    Returns
    -------
    Plan
        The plan afterwards, in step: households know their new grids.

    Raises
    ------
    PlanError
        If the plan does not hold what the changes say it held before.
    """
    moves, by_layer = _sort_out(changes)
    done = {name: _apply(getattr(plan, name), of_layer, name, rev) for name, of_layer in by_layer.items()}
    if moves:
        _move(plan, done, moves, rev)
    after = replace(plan, **done)
    carry_ground(plan, after)
    return after


def write_changes(changes: Iterable[Change]) -> str:
    """Write changes as JSON, always the same for the same changes.

    Parameters
    ----------
    changes : iterable of Change
        The changes.

    Returns
    -------
    str
        JSON; geometries as well-known binary in base 64, to the last bit.
    """
    listed = [[one.layer, one.row, _encode(one.before), _encode(one.after)] for one in changes]
    return json.dumps(listed, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def read_changes(written: str) -> tuple[Change, ...]:
    """Read what `write_changes` wrote.

    Parameters
    ----------
    written : str
        JSON.

    Returns
    -------
    tuple of Change
        The changes.
    """
    return tuple(
        Change(layer, row, _decode(before), _decode(after)) for layer, row, before, after in json.loads(written)
    )


def _row_after(change: Change, changes: tuple[Change, ...]) -> int:
    """Return where a row stands once rows before it went and came."""
    mine = [one for one in changes if one.layer == change.layer]
    row = change.row - sum(one.row < change.row for one in mine if one.after is None)
    for come in sorted(one.row for one in mine if one.before is None):
        row += come <= row
    return row


def _apply(frame: gpd.GeoDataFrame, changes: list[Change], layer: str, rev: int | None) -> gpd.GeoDataFrame:
    values: dict[str, dict[int, Any]] = {}
    for one in changes:
        _require_before(frame, one, layer, rev)
        if one.before is not None and one.after is not None:
            for name, value in one.after.items():
                values.setdefault(name, {})[one.row] = value
    if values:
        frame = set_rows(frame, values)
    go = {one.row for one in changes if one.after is None}
    come = sorted(((one.row, one.after or {}) for one in changes if one.before is None), key=lambda each: each[0])
    return exchange_rows(frame, go, come) if go or come else frame


def _require_before(frame: gpd.GeoDataFrame, change: Change, layer: str, rev: int | None) -> None:
    """Refuse a change of a row that does not hold what the change says it held."""
    for name, expected in (change.before or {}).items():
        known = name in frame.columns and change.row < len(frame)
        if not known or not same_value(read_cells(frame, name)[change.row], expected):
            raise PlanError("log_disagrees", layer=layer, row=change.row + 1, column=name, rev=rev or "–")


def _sort_out(changes: Iterable[Change]) -> tuple[list[tuple[int, str | None, str | None]], dict[str, list[Change]]]:
    """Part the moves of blocks (place, grid before, grid after) from all other changes, those by layer."""
    moves, by_layer = [], {}  # type: ignore[var-annotated]
    for one in changes:
        rest = one
        if one.layer == "blocks" and one.before and one.after and "grid_id" in one.after:
            moves.append((one.row, one.before.get("grid_id"), one.after["grid_id"]))
            both = (one.before, one.after)
            before, after = ({name: told[name] for name in told if name != "grid_id"} for told in both)
            rest = Change(one.layer, one.row, before, after)
        if rest.before is None or rest.before or rest.after:
            by_layer.setdefault(rest.layer, []).append(rest)
    return moves, by_layer


def _move(
    plan: Plan,
    done: dict[str, gpd.GeoDataFrame],
    moves: list[tuple[int, str | None, str | None]],
    rev: int | None,
) -> None:
    """Put blocks into other grids, and tell the households there."""
    board = find_board(plan)
    for row, grid, _ in moves:
        if row >= len(board.code) or board.names[board.code[row]] != grid:
            raise PlanError("log_disagrees", layer="blocks", row=row + 1, column="grid_id", rev=rev or "–")
    board = board.moved(np.array([row for row, *_ in moves], dtype=np.int64), [grid for *_, grid in moves])
    blocks, households = done.get("blocks", plan.blocks), done.get("households", plan.households)
    # Those outside all blocks have the home -1: the None put last.
    code = np.append(board.code, 0)[find_ground(plan).home]
    done["blocks"] = set_arrays(blocks, {"grid_id": pick_texts(board.names, board.code, blocks["grid_id"].dtype)})
    done["households"] = set_arrays(households, {"grid_id": pick_texts(board.names, code, households["grid_id"].dtype)})
    if blocks is plan.blocks:
        keep_board(done["blocks"], board)


def _encode(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    coded: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, shapely.Geometry):
            coded[name] = {"wkb": base64.b64encode(shapely.to_wkb(value)).decode("ascii")}
        elif isinstance(value, pd.Timestamp):
            coded[name] = {"time": value.isoformat()}
        else:
            coded[name] = value
    return coded


def _decode(coded: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if coded is None:
        return None
    values: dict[str, Any] = {}
    for name, value in coded.items():
        if isinstance(value, dict):
            values[name] = (
                shapely.from_wkb(base64.b64decode(value["wkb"])) if "wkb" in value else pd.Timestamp(value["time"])
            )
        else:
            values[name] = value
    return values


def find_row(plan: Plan, layer: str, key: str) -> int | None:
    """Return where a row stands.

    Parameters
    ----------
    plan : Plan
        The plan.
    layer : str
        The layer.
    key : str
        The row's id.

    Returns
    -------
    int or None
        Its place; None when there is no such row.
    """
    ids = read_cells(getattr(plan, layer), LAYERS[layer].id_column)
    return ids.index(key) if key in ids else None
