"""Blocks that change their grid: the changes that follow for blocks and grids."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from gridgeo.edit_log import EditRecord
from gridgeo.errors import InputError
from gridgeo.partition.bounds_text import walk_corners, word_bounds
from gridgeo.plan import Plan
from gridgeo.redraw.board import SUMS, Board, find_board
from gridgeo.redraw.changes import Change, find_row
from gridgeo.redraw.ground import Ints, find_ground
from gridgeo.redraw.memory import notes_on
from gridgeo.redraw.rows import read_cells, read_row, same_value
from gridgeo.texts import LANGUAGES

_BOUNDS = ("bounds_zh", "bounds_en")
_DERIVED = ("community_id", *SUMS, "area_m2", "compactness", "corners", *_BOUNDS)
_NUMBER = re.compile(r"^(.*?)(\d+)$")


def grid_labels(plan: Plan) -> npt.NDArray[np.object_]:
    """Return the grid of every block.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    ndarray of object, shape (blocks,)
        Grid ids; None for a block without one.
    """
    return find_board(plan).labels.copy()


def require_blocks(plan: Plan, blocks: tuple[str, ...]) -> Ints:
    """Return the places of blocks.

    Parameters
    ----------
    plan : Plan
        The plan.
    blocks : tuple of str
        Their ids.

    Returns
    -------
    ndarray of int
        Their places, in the order given.

    Raises
    ------
    InputError
        If one does not exist; all that do not are named.
    """
    place = find_ground(plan).place
    missing = [block for block in blocks if block not in place]
    if missing:
        raise InputError("unknown_item", layer="blocks", value=", ".join(missing))
    return np.array([place[block] for block in blocks], dtype=np.int64)


def require_row(plan: Plan, layer: str, key: str) -> int:
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
    int
        Its place.

    Raises
    ------
    InputError
        If there is no such row.
    """
    row = find_row(plan, layer, key)
    if row is None:
        raise InputError("unknown_item", layer=layer, value=key)
    return row


def require_unlocked(plan: Plan, grids: set[str]) -> None:
    """Refuse to redraw locked grids.

    Parameters
    ----------
    plan : Plan
        The plan.
    grids : set of str
        The grids an edit redraws.

    Raises
    ------
    InputError
        If one is locked.
    """
    hit = sorted(grids & locked_grids(plan))
    if hit:
        raise InputError("grid_locked", value=", ".join(hit))


def locked_grids(plan: Plan) -> set[str]:
    """Return the grids that cannot be redrawn.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    set of str
        Their ids.
    """
    ids, locked = read_cells(plan.grids, "grid_id"), read_cells(plan.grids, "locked")
    return {grid for grid, is_locked in zip(ids, locked, strict=True) if is_locked}


def next_grid_id(plan: Plan) -> str:
    """Return an id that no grid has, nor has had since the log began.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    str
        The next number after the highest, in the form of the ids in use: ``G012`` after ``G011``.
    """
    used = read_cells(plan.grids, "grid_id")
    found = [match for match in map(_NUMBER.match, used + _gone(plan)) if match]
    if not found:
        return "G001"
    highest = max(found, key=lambda match: (len(match[2].lstrip("0")), match[2].lstrip("0")))
    return highest[1] + str(int(highest[2]) + 1).zfill(len(highest[2]))


def reassign(
    plan: Plan,
    rows: Ints,
    targets: npt.NDArray[np.object_],
    *,
    come: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Change]:
    """Work out what follows when blocks change their grid.

    Parameters
    ----------
    plan : Plan
        The plan.
    rows : ndarray of int
        The blocks' places.
    targets : ndarray of object
        The grid of each from now on.
    come : mapping, optional
        New grids: id → values of their row. A grid left without blocks goes.

    Returns
    -------
    list of Change
        The changes of ``blocks`` and ``grids``; empty when every block stays where it is.
    """
    board = find_board(plan)
    moves = board.labels[rows] != targets
    rows, targets = rows[moves], targets[moves]
    if len(rows) == 0:
        return []
    order = np.argsort(rows, kind="stable")
    rows, targets = rows[order], targets[order]
    before = board.labels[rows]
    changes = [
        Change("blocks", int(row), {"grid_id": old}, {"grid_id": new})
        for row, old, new in zip(rows, before, targets, strict=True)
    ]
    touched = {grid for grid in (*before, *targets) if grid is not None}
    return changes + _redraw(plan, board.moved(rows, targets), touched, come or {})


def measure_grid(plan: Plan, members: Ints) -> dict[str, Any]:
    """Return what a grid's row holds that follows from its blocks.

    Parameters
    ----------
    plan : Plan
        The plan.
    members : ndarray of int
        The places of the grid's blocks, in order.

    Returns
    -------
    dict
        ``community_id``, ``households``, ``persons``, ``area_m2``, ``compactness`` and ``geometry``, the same to the
        last bit as `gridgeo.partition.dissolve_grids` gives.
    """
    ground, board = find_ground(plan), find_board(plan)
    union = shapely.coverage_union_all(ground.shapes[members])
    parts = shapely.get_parts(union)
    shape = parts[0] if len(parts) == 1 else union
    communities = set(board.communities[members]) - {None}
    figures: dict[str, Any] = {
        "community_id": communities.pop() if len(communities) == 1 else None,
        "area_m2": float(shape.area),
        "compactness": float(4 * np.pi * shape.area / shape.length**2),
        "geometry": shape,
    }
    for name, each in board.sums.items():
        value = each[members].sum().item()
        figures[name] = None if value != value else value  # noqa: PLR0124 (only NaN differs from itself)
    if "corners" in plan.grids.columns:
        figures["corners"] = walk_corners(shape)
    return figures


def bound_grid(plan: Plan, labels: npt.NDArray[np.object_], members: Ints) -> dict[str, Any]:
    """Say in words what bounds a grid.

    Parameters
    ----------
    plan : Plan
        The plan.
    labels : ndarray of object, shape (blocks,)
        The grid of every block.
    members : ndarray of int
        The places of the grid's blocks.

    Returns
    -------
    dict
        The columns that `gridgeo.partition.bounds_text.describe_bounds` gives, where the plan's grids have them.
    """
    kept = [lang for lang in LANGUAGES if f"bounds_{lang}" in plan.grids.columns]
    outline = find_ground(plan).outline if kept else None
    if outline is None:
        return {f"bounds_{lang}": "" for lang in kept}
    grid = labels[members[0]]
    spans = [np.arange(outline.start[block], outline.start[block + 1]) for block in members]
    every = np.concatenate(spans)
    other = outline.other[every]
    outer = every[(other < 0) | (labels[other] != grid)].tolist()
    told = {}
    for lang in kept:
        sides: dict[str, dict[str, float]] = {}
        for one in outer:
            along = sides.setdefault(outline.side[one], {})
            name = outline.names[lang][one]
            along[name] = along.get(name, 0.0) + outline.length[one]
        told[f"bounds_{lang}"] = word_bounds(sides, lang)
    return told


def bound_blocks(plan: Plan, blocks: Sequence[str]) -> dict[str, str]:
    """Say in words what bounds the ground that some blocks make together (四至).

    Parameters
    ----------
    plan : Plan
        The plan.
    blocks : sequence of str
        Blocks of it; others are passed over.

    Returns
    -------
    dict
        Language → the streets and other things on each side, the longest first; empty where there is no such block or
        the plan's blocks do not know their borders.
    """
    mine = plan.blocks["block_id"].isin(blocks).to_numpy()
    if not mine.any():
        return {}
    told = bound_grid(plan, mine.astype(object), np.flatnonzero(mine))
    return {name.removeprefix("bounds_"): words for name, words in told.items() if words}


def _redraw(plan: Plan, board: Board, touched: set[str], come: Mapping[str, Mapping[str, Any]]) -> list[Change]:
    """Return the changes of the grids' rows, with the board as it is after the edit."""
    changes = []
    kept = [name for name in _DERIVED if name in plan.grids.columns] + [plan.grids.geometry.name]
    ids = read_cells(plan.grids, "grid_id")
    place = {grid: row for row, grid in enumerate(ids)}
    for grid in sorted(touched - set(come)):
        row = place[grid]
        if grid not in board.members:
            changes.append(Change("grids", row, read_row(plan.grids, row), None))
            continue
        told = _tell_grid(plan, board, grid)
        before = read_row(plan.grids, row, [name for name in kept if name in told])
        differs = {name: told[name] for name, value in before.items() if not same_value(value, told[name])}
        if differs:
            changes.append(Change("grids", row, {name: before[name] for name in differs}, differs))
    gone = touched - set(board.members)
    left = [grid for grid in ids if grid not in gone]
    for grid in sorted(come):
        at = next((place for place, other in enumerate(left) if other > grid), len(left))
        left.insert(at, grid)
        whole = dict.fromkeys(plan.grids.columns) | dict(come[grid]) | _tell_grid(plan, board, grid)
        known = {name: value for name, value in whole.items() if name in plan.grids.columns}
        changes.append(Change("grids", at, None, _filled(plan, known)))
    return _final_places(changes, left)


def _tell_grid(plan: Plan, board: Board, grid: str) -> dict[str, Any]:
    members = board.members[grid]
    return measure_grid(plan, members) | bound_grid(plan, board.labels, members)


def _final_places(changes: list[Change], order: list[str]) -> list[Change]:
    """Give grids that come their place among all: an earlier one may have been pushed back by a later one."""
    place = {grid: row for row, grid in enumerate(order)}
    return [
        Change(one.layer, place[one.after["grid_id"]], None, one.after)
        if one.before is None and one.after is not None
        else one
        for one in changes
    ]


def _filled(plan: Plan, values: dict[str, Any]) -> dict[str, Any]:
    """Say in full what a new row holds, so that taking it back finds what was put in."""
    for name, value in values.items():
        kind = plan.grids[name].dtype.kind
        if value is None and kind in "iub":
            values[name] = False if kind == "b" else 0
    return values


def _gone(plan: Plan) -> list[str]:
    """Return the ids of grids that edits made: even when such a grid is gone, its id is not used again."""
    makers = [record for record in plan.edits if record.kind in ("new_grid", "split_grid")]
    return [found for record in makers for found in find_written(record, "grid_id")]


def find_written(record: EditRecord, column: str) -> list[str]:
    """Return what a record of the log wrote into a column, found at most once.

    Parameters
    ----------
    record : EditRecord
        The record.
    column : str
        A column of text.

    Returns
    -------
    list of str
        Every value, before and after.
    """
    notes = notes_on(record)
    if column not in notes:
        notes[column] = re.findall(f'"{column}":"([^"]+)"', record.changes)
    found: list[str] = notes[column]
    return found
