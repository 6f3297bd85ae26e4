"""Repairs: edits that put right what the referee found, each tried before it is suggested."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely

from gridgeo.errors import GridgeoError
from gridgeo.plan import Plan
from gridgeo.redraw.assign import locked_grids
from gridgeo.redraw.attempt import try_edit
from gridgeo.redraw.board import NOBODY, find_board
from gridgeo.redraw.edits import Edit, make_edit
from gridgeo.redraw.ground import Ints, find_ground
from gridgeo.redraw.rebalance import DEFAULT_BAND
from gridgeo.redraw.referee import Finding, judge_plan
from gridgeo.redraw.split import held_households

MOST_REPAIRS = 3
"""So many repairs are suggested for a finding, at most."""

_MOST_TRIED = 8


def find_breaks(
    before: Plan, after: Plan, *, households_per_grid: tuple[float, float] = DEFAULT_BAND
) -> list[tuple[Finding, tuple[Edit, ...]]]:
    """Say what an edit breaks that was in order before, and how to put it right.

    Parameters
    ----------
    before, after : Plan
        The plan before and after the edit.
    households_per_grid : (float, float), optional
        The band.

    Returns
    -------
    list of (Finding, tuple of Edit)
        What is wrong now and was not before, each with edits that would mend it; see `suggest_repairs`.
    """
    known = {(one.rule, one.item) for one in judge_plan(before, households_per_grid=households_per_grid)}
    found = judge_plan(after, households_per_grid=households_per_grid, before=before)
    tried = _Tried(after, households_per_grid)
    return [(one, _repair(tried, one)) for one in found if (one.rule, one.item) not in known]


def suggest_repairs(
    plan: Plan, finding: Finding, *, households_per_grid: tuple[float, float] = DEFAULT_BAND
) -> tuple[Edit, ...]:
    """Return edits that mend a finding.

    Parameters
    ----------
    plan : Plan
        The plan it was found in.
    finding : Finding
        The finding.
    households_per_grid : (float, float), optional
        The band.

    Returns
    -------
    tuple of Edit
        Edits that were tried and after which the finding is gone, at most `MOST_REPAIRS`; those that leave the fewest
        other findings first, of equals the least edit. Empty when none is known.
    """
    return _repair(_Tried(plan, households_per_grid), finding)


class _Tried:
    """What edits leave to be found, each tried once: findings of one cause share their repairs.

    Parameters
    ----------
    plan : Plan
        The plan they are tried on.
    band : (float, float)
        The band.
    """

    def __init__(self, plan: Plan, band: tuple[float, float]) -> None:
        self.plan, self.band = plan, band
        self._left: dict[Edit, list[tuple[str, str]] | None] = {}

    def left(self, edit: Edit) -> list[tuple[str, str]] | None:
        """Return the rule and the item of all that is wrong after an edit.

        Parameters
        ----------
        edit : Edit
            The edit.

        Returns
        -------
        list of (str, str) or None
            None for an edit that cannot be made.
        """
        if edit not in self._left:
            try:
                after = try_edit(self.plan, edit).plan
            except GridgeoError:
                self._left[edit] = None
            else:
                found = judge_plan(after, households_per_grid=self.band)
                self._left[edit] = [(one.rule, one.item) for one in found]
        return self._left[edit]


def _repair(tried: _Tried, finding: Finding) -> tuple[Edit, ...]:
    mending: list[tuple[int, Edit]] = []
    for edit in _first(_candidates(tried.plan, finding, tried.band), _MOST_TRIED):
        left = tried.left(edit)
        if left is not None and (finding.rule, finding.item) not in left:
            mending.append((len(left), edit))
            if len(mending) == MOST_REPAIRS:
                break
    return tuple(edit for _, edit in sorted(mending, key=lambda each: each[0]))


def _first(edits: Iterable[Edit], most: int) -> Iterable[Edit]:
    return (edit for edit, _ in zip(edits, range(most), strict=False))


def _candidates(plan: Plan, finding: Finding, band: tuple[float, float]) -> Iterable[Edit]:
    ground = find_ground(plan)
    match finding.rule:
        case "too_few" | "too_many":
            yield from _candidates_for_band(plan, finding.item, band)
        case "in_pieces" | "not_on_foot" | "across_communities":
            yield from _candidates_for_blocks(plan, finding)
        case "split_compound":
            yield make_edit("move_blocks", blocks=finding.blocks, to=finding.said["most"])
        case "station_changed_grid":
            yield make_edit("move_blocks", blocks=finding.blocks, to=finding.said["old"])
        case "station_without_grid":
            for block in finding.blocks:
                near = _neighbours(plan, np.array([ground.place[block]]))
                yield from (make_edit("move_blocks", blocks=[block], to=grid) for grid in near)


def _candidates_for_band(plan: Plan, grid: str, band: tuple[float, float]) -> Iterable[Edit]:
    """Yield a single block from or to a neighbour first, then neighbours balanced, then a merge or a split."""
    ground, board = find_ground(plan), find_board(plan)
    members = board.members.get(grid, NOBODY)
    held = held_households(plan)
    few = held[members].sum() < band[0]
    yield from _single_moves(plan, grid, members, few=bool(few), band=band)
    near = _neighbours(plan, members)
    for other in near:
        yield make_edit("rebalance_grids", grids=[grid, other], low=band[0], high=band[1])
    if few:
        yield from (make_edit("merge_grids", grids=[grid, other], into=other) for other in near)
        return
    shape = shapely.coverage_union_all(ground.shapes[members])
    box = shapely.oriented_envelope(shape)
    if isinstance(box, shapely.Polygon):
        corners = shapely.get_coordinates(box)[:4]
        one, two, three, four = corners
        long = np.hypot(*(two - one)) >= np.hypot(*(three - two))
        ends = ((one + two) / 2, (three + four) / 2) if long else ((two + three) / 2, (four + one) / 2)
        yield make_edit("split_grid", grid=grid, line=[end.tolist() for end in ends])


def _single_moves(plan: Plan, grid: str, members: Ints, *, few: bool, band: tuple[float, float]) -> Iterable[Edit]:
    """Yield moves of one block after which both grids hold a number in the band, those that move the fewest first."""
    ground, board, held = find_ground(plan), find_board(plan), held_households(plan)
    low, high = band
    locked = locked_grids(plan)
    mine = held[members].sum()
    found = set()
    for block in members:
        for other in ground.end[ground.start[block] : ground.start[block + 1]]:
            neighbour = board.labels[other]
            if neighbour in (None, grid) or neighbour in locked:
                continue
            moved, to, change = (other, grid, held[other]) if few else (block, neighbour, -held[block])
            theirs = held[board.members[neighbour]].sum()
            same = board.communities[other] == board.communities[block]
            if same and low <= mine + change <= high and low <= theirs - change <= high:
                found.add((float(abs(change)), str(ground.ids[moved]), str(to)))
    yield from (make_edit("move_blocks", blocks=[block], to=to) for _, block, to in sorted(found)[:MOST_REPAIRS])


def _candidates_for_blocks(plan: Plan, finding: Finding) -> Iterable[Edit]:
    rows = np.array([find_ground(plan).place[block] for block in finding.blocks], dtype=np.int64)
    near = _neighbours(plan, rows)
    yield from (make_edit("move_blocks", blocks=finding.blocks, to=grid) for grid in near if grid != finding.item)
    yield make_edit("new_grid", blocks=finding.blocks)


def _neighbours(plan: Plan, rows: Ints) -> list[str]:
    """Return the unlocked grids beside some blocks and in their community, those with the longest border first."""
    ground, board = find_ground(plan), find_board(plan)
    locked = locked_grids(plan)
    own = set(rows.tolist())
    around: dict[str, float] = {}
    for block in rows:
        for link in range(ground.start[block], ground.start[block + 1]):
            other = int(ground.end[link])
            grid = board.labels[other]
            same = board.communities[other] == board.communities[block]
            if other not in own and grid is not None and grid not in locked and same:
                around[grid] = around.get(grid, 0.0) + float(ground.length[link])
    mine = {board.labels[block] for block in rows}
    return sorted((grid for grid in around if len(mine) > 1 or grid not in mine), key=lambda g: (-around[g], g))
