"""Who belongs where right now: the assignment of the blocks in a form that an edit reads and changes in no time.

It is worked out once from a layer of blocks and handed on from edit to edit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from gridgeo.plan import Plan
from gridgeo.redraw.ground import Floats, Ints
from gridgeo.redraw.memory import notes_on
from gridgeo.redraw.rows import read_cells

SUMS = ("households", "persons", "load")
"""What a grid's row adds up over its blocks."""

NOBODY: Ints = np.zeros(0, dtype=np.int64)
"""The blocks of a grid that has none."""

_BOARD = "board"


@dataclass(frozen=True, eq=False)
class Board:
    """The assignment of blocks.

    Parameters
    ----------
    names : tuple of (str or None)
        The grids that there are or were since the board was made; the first is None.
    code : ndarray of int, shape (blocks,)
        The place in `names` of each block's grid.
    members : dict
        Grid → the places of its blocks, in order.
    communities : ndarray of object, shape (blocks,)
        The community of each block; None where it is not known.
    sums : dict
        What the blocks carry of `SUMS` → the value of each.
    """

    names: tuple[str | None, ...]
    code: Ints
    members: dict[str, Ints]
    communities: npt.NDArray[np.object_]
    sums: dict[str, Floats]

    @cached_property
    def labels(self) -> npt.NDArray[np.object_]:
        """The grid of each block; None for a block without one."""
        return np.array(self.names, dtype=object)[self.code]

    @cached_property
    def community_codes(self) -> tuple[list[str], Ints]:
        """The communities, in order, and the place among them of each block's; -1 where it is not known."""
        names = sorted({name for name in self.communities if name is not None})
        place: dict[str | None, int] = {name: code for code, name in enumerate(names)} | {None: -1}
        return names, np.array([place[name] for name in self.communities], dtype=np.int64)

    def moved(self, rows: Ints, targets: Iterable[str | None]) -> Board:
        """Return the board with blocks in other grids.

        Parameters
        ----------
        rows : ndarray of int
            The blocks' places.
        targets : iterable of (str or None)
            The grid of each from now on.

        Returns
        -------
        Board
            A new board; this one stays as it is.
        """
        targets = list(targets)
        names = (*self.names, *dict.fromkeys(grid for grid in targets if grid not in self.names))
        place = {grid: code for code, grid in enumerate(names)}
        code, members = self.code.copy(), dict(self.members)
        code[rows] = [place[grid] for grid in targets]
        for grid in {names[one] for one in self.code[rows]} | set(targets):
            if grid is not None:
                mine = np.union1d(members.pop(grid, NOBODY), rows)
                mine = mine[code[mine] == place[grid]]
                if len(mine):
                    members[grid] = mine
        return replace(self, names=names, code=code, members=members)


def find_board(plan: Plan) -> Board:
    """Return the board of a plan's blocks, worked out at most once.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    Board
        Who belongs where.
    """
    notes = notes_on(plan.blocks)
    if _BOARD not in notes:
        notes[_BOARD] = _read_board(plan.blocks)
    board: Board = notes[_BOARD]
    return board


def keep_board(blocks: gpd.GeoDataFrame, board: Board) -> None:
    """Note the board of a layer of blocks that is known already.

    Parameters
    ----------
    blocks : GeoDataFrame
        The layer.
    board : Board
        Its board.
    """
    notes_on(blocks)[_BOARD] = board


def _read_board(blocks: gpd.GeoDataFrame) -> Board:
    grids = read_cells(blocks, "grid_id")
    names = (None, *dict.fromkeys(grid for grid in grids if grid is not None))
    place = {grid: code for code, grid in enumerate(names)}
    members: dict[str, list[int]] = {}
    for row, grid in enumerate(grids):
        if grid is not None:
            members.setdefault(grid, []).append(row)
    return Board(
        names,
        np.array([place[grid] for grid in grids], dtype=np.int64),
        {grid: np.array(mine, dtype=np.int64) for grid, mine in members.items()},
        np.array([*read_cells(blocks, "community_id"), None], dtype=object)[:-1],
        {name: blocks[name].to_numpy() for name in SUMS if name in blocks.columns},
    )
