"""Edits of blocks and grids: move, merge, make, lock, name and number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from gridgeo.errors import InputError
from gridgeo.plan import Plan
from gridgeo.redraw.assign import (
    next_grid_id,
    reassign,
    require_blocks,
    require_row,
    require_unlocked,
)
from gridgeo.redraw.board import NOBODY, Board, find_board
from gridgeo.redraw.changes import Change, find_row
from gridgeo.redraw.codes import next_code, next_name, number_grids
from gridgeo.redraw.edits import Edit
from gridgeo.redraw.rows import read_cells, read_row


@dataclass(frozen=True)
class Draft:
    """What an edit would do.

    Parameters
    ----------
    changes : tuple of Change
        The rows it changes.
    offers : tuple of Edit
        Further edits that a planner may want next.
    """

    changes: tuple[Change, ...]
    offers: tuple[Edit, ...] = ()


def move_blocks(plan: Plan, edit: Edit) -> Draft:
    """Move blocks into a grid that exists.

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``blocks``, ``to``.

    Returns
    -------
    Draft
        The changes.

    Raises
    ------
    InputError
        If a block or the grid does not exist, a grid concerned is locked, or one would be left without blocks.
    """
    rows, target = require_blocks(plan, edit.get("blocks")), edit.get("to")
    require_row(plan, "grids", target)
    board = find_board(plan)
    moving = rows[board.labels[rows] != target]
    sources = set(board.labels[moving]) - {None}
    require_unlocked(plan, sources | ({target} if len(moving) else set()))
    _require_left(board, moving, sources)
    return Draft(tuple(reassign(plan, rows, np.full(len(rows), target, dtype=object))))


def merge_grids(plan: Plan, edit: Edit) -> Draft:
    """Make one grid of several; it keeps the row of ``into``, or of the one with the most households.

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``grids``, ``into``.

    Returns
    -------
    Draft
        The changes.

    Raises
    ------
    InputError
        If a grid does not exist or is locked, there is only one, or they lie in different communities.
    """
    grids = tuple(dict.fromkeys((*edit.get("grids"), *((edit.get("into"),) if edit.get("into") else ()))))
    rows = {grid: require_row(plan, "grids", grid) for grid in grids}
    if len(grids) == 1:
        raise InputError("merge_one", value=grids[0])
    require_unlocked(plan, set(grids))
    board = find_board(plan)
    members = np.sort(np.concatenate([board.members.get(grid, NOBODY) for grid in grids]))
    communities = sorted(set(board.communities[members]) - {None})
    if len(communities) > 1:
        raise InputError("merge_across_communities", grids=", ".join(grids), communities=", ".join(communities))
    into = edit.get("into") or max(grids, key=lambda grid: (_held(plan, rows[grid]), -rows[grid]))
    return Draft(tuple(reassign(plan, members, np.full(len(members), into, dtype=object))))


def make_grid(plan: Plan, edit: Edit) -> Draft:
    """Make a new grid of blocks.

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``blocks``, and ``grid`` (its id), ``name``, ``code``.

    Returns
    -------
    Draft
        The changes.

    Raises
    ------
    InputError
        If a block does not exist, the id or the code is taken, a grid concerned is locked, or one would be left
        without blocks.
    """
    rows = require_blocks(plan, edit.get("blocks"))
    grid = edit.get("grid") or next_grid_id(plan)
    if find_row(plan, "grids", grid) is not None:
        raise InputError("item_exists", layer="grids", value=grid)
    board = find_board(plan)
    sources = set(board.labels[rows]) - {None}
    require_unlocked(plan, sources)
    _require_left(board, rows, sources)
    code = edit.get("code") or next_code(plan, rows)
    _require_free_code(plan, edit.get("code"), grid)
    row = new_grid_row(grid, name=edit.get("name") or next_name(plan, rows), code=code)
    return Draft(tuple(reassign(plan, rows, np.full(len(rows), grid, dtype=object), come={grid: row})))


def new_grid_row(grid: str, *, name: str | None = None, code: str | None = None) -> dict[str, object]:
    """Return what the row of a new grid holds beside what follows from its blocks.

    Parameters
    ----------
    grid : str
        Its id.
    name, code : str, optional
        What it is called.

    Returns
    -------
    dict
        Column → value.
    """
    return {"grid_id": grid, "name": name, "code": code, "grid_kind": "general", "locked": False, "staff": None}


def set_grid(plan: Plan, edit: Edit) -> Draft:
    """Lock or unlock a grid, rename it, or say what kind it is or who looks after it.

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``grid``, and ``locked`` (true when left out), ``name``, ``staff`` (nobody when left out) or ``grid_kind``.

    Returns
    -------
    Draft
        The change.

    Raises
    ------
    InputError
        If the grid does not exist.
    """
    row = require_row(plan, "grids", edit.get("grid"))
    match edit.kind:
        case "lock_grid":
            after: dict[str, object] = {"locked": edit.get("locked") is not False}
        case "rename_grid":
            after = {"name": edit.get("name")}
        case "staff_grid":
            after = {"staff": edit.get("staff")}
        case _:
            after = {"grid_kind": edit.get("grid_kind")}
    return Draft(set_values(plan, "grids", row, after))


def renumber_grids(plan: Plan, edit: Edit) -> Draft:
    """Give grids new codes: the one that is said, or numbers by rule (see `gridgeo.redraw.codes`).

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``grids`` (all when left out), ``code`` (for a single grid).

    Returns
    -------
    Draft
        The changes.

    Raises
    ------
    InputError
        If a grid does not exist, or the code is taken or meant for several.
    """
    grids = edit.get("grids") or tuple(plan.grids["grid_id"])
    rows = [require_row(plan, "grids", grid) for grid in grids]
    code = edit.get("code")
    if code is not None and len(rows) != 1:
        raise InputError("one_code_many_grids", value=code, count=len(rows))
    _require_free_code(plan, code, grids[0] if grids else "")
    codes = {rows[0]: code} if code is not None else number_grids(plan, rows)
    changes = [one for row, value in sorted(codes.items()) for one in set_values(plan, "grids", row, {"code": value})]
    return Draft(tuple(changes))


def set_values(plan: Plan, layer: str, row: int, after: dict[str, object]) -> tuple[Change, ...]:
    """Return the change that gives a row new values, without those it already holds.

    Parameters
    ----------
    plan : Plan
        The plan.
    layer : str
        The layer.
    row : int
        The row's place.
    after : dict
        Column → value from now on.

    Returns
    -------
    tuple of Change
        One change, or none when nothing differs.
    """
    before = read_row(getattr(plan, layer), row, after)
    differs = {name: value for name, value in after.items() if before[name] != value}
    if not differs:
        return ()
    return (Change(layer, row, {name: before[name] for name in differs}, differs),)


def _require_left(board: Board, moving: np.ndarray, sources: set[str]) -> None:
    """Refuse to take a grid's last blocks: it would vanish with its staff and its code, and nobody asked for that."""
    taken = Counter(board.labels[moving])
    emptied = sorted(grid for grid in sources if taken[grid] == len(board.members[grid]))
    if emptied:
        raise InputError("grid_emptied", value=", ".join(emptied))


def _require_free_code(plan: Plan, code: str | None, grid: str) -> None:
    taken = plan.grids[(plan.grids["code"] == code) & (plan.grids["grid_id"] != grid)]
    if code is not None and len(taken):
        raise InputError("code_taken", value=code, grid=taken["grid_id"].iloc[0])


def _held(plan: Plan, row: int) -> float:
    return float(read_cells(plan.grids, "households")[row] or 0) if "households" in plan.grids.columns else 0.0
