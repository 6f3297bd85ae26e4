"""The referee: what is wrong with the grids as they are drawn now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgeo.plan import Plan
from gridgeo.redraw.assign import grid_labels
from gridgeo.redraw.board import Board, find_board
from gridgeo.redraw.ground import Flags, Floats, Ground, Ints, find_ground
from gridgeo.redraw.memory import notes_on
from gridgeo.redraw.rebalance import DEFAULT_BAND
from gridgeo.redraw.rows import read_cells
from gridgeo.redraw.split import held_households
from gridgeo.texts import text

_COMPOUND_KINDS = ("residential",)
_COMPOUND_SHARE = 0.1


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a plan's grids.

    Parameters
    ----------
    rule : str
        Which rule: ``too_few``, ``too_many`` (households), ``in_pieces`` (on the map), ``not_on_foot``,
        ``across_communities``, ``split_compound``, ``station_without_grid``, ``station_changed_grid``,
        ``nearer_elsewhere``.
    item : str
        The grid, compound, station or grid of the households.
    blocks : tuple of str
        The blocks concerned.
    said : dict
        What the sentence says.
    """

    rule: str
    item: str
    blocks: tuple[str, ...] = ()
    said: dict[str, object] = field(default_factory=dict, compare=False)

    @property
    def message(self) -> str:
        """The finding as a sentence, in the current language."""
        return text(f"edits.finding_{self.rule}", item=self.item, blocks=", ".join(self.blocks), **self.said)


def judge_plan(
    plan: Plan, *, households_per_grid: tuple[float, float] = DEFAULT_BAND, before: Plan | None = None
) -> list[Finding]:
    """Name everything that is wrong with the grids of a plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    households_per_grid : (float, float), optional
        The band for general grids that are not locked.
    before : Plan, optional
        The plan before an edit: then stations that the edit put into another grid are named too.

    Returns
    -------
    list of Finding
        Rule by rule; empty when all is well. Households that are nearer to another grid's station need the coverage:
        see `gridgeo.scenario.judge_walks`.
    """
    ground, board = find_ground(plan), find_board(plan)
    notes = notes_on(plan).setdefault("judged", {})
    if households_per_grid not in notes:
        notes[households_per_grid] = (
            *_judge_band(plan, board, households_per_grid),
            *_judge_pieces(plan, ground, board),
            *_judge_communities(plan, ground, board),
            *_judge_compounds(plan, ground, board),
        )
    return [*notes[households_per_grid], *_judge_stations(plan, ground, board.labels, before)]


def _judge_band(plan: Plan, board: Board, band: tuple[float, float]) -> Iterable[Finding]:
    low, high = band
    held = np.bincount(board.code, weights=held_households(plan), minlength=len(board.names))
    place = {grid: code for code, grid in enumerate(board.names)}
    columns = (read_cells(plan.grids, name) for name in ("grid_id", "grid_kind", "locked"))
    for grid, kind, locked in zip(*columns, strict=True):
        count = round(float(held[place[grid]])) if grid in place else 0
        if kind == "general" and not locked and not low <= count <= high:
            values: dict[str, object] = {"households": count, "low": f"{low:g}", "high": f"{high:g}"}
            yield Finding("too_few" if count < low else "too_many", grid, said=values)


def _judge_pieces(plan: Plan, ground: Ground, board: Board) -> Iterable[Finding]:
    code, held = board.code, held_households(plan)
    row = ground.beside
    same = (code[row] == code[ground.end]) & (code[row] > 0)
    for rule, links, counted in (
        ("in_pieces", same, code > 0),
        ("not_on_foot", same & ground.walkable, (code > 0) & (held > 0)),
    ):
        piece = _pieces(row[links], ground.end[links], len(code))
        for grid, mine, groups in _parted(board, counted, piece):
            loose = mine[groups != _largest(groups, held[mine], ground.area[mine])]
            yield Finding(rule, grid, _ids(ground, loose), {"pieces": len(np.unique(groups))})


def _judge_communities(plan: Plan, ground: Ground, board: Board) -> Iterable[Finding]:
    held = held_households(plan)
    names, community = board.community_codes
    for grid, mine, groups in _parted(board, (board.code > 0) & (community >= 0), community):
        loose = mine[groups != _largest(groups, held[mine], ground.area[mine])]
        values: dict[str, object] = {"communities": ", ".join(sorted(names[group] for group in np.unique(groups)))}
        yield Finding("across_communities", grid, _ids(ground, loose), values)


def _parted(board: Board, counted: Flags, group: Ints) -> Iterable[tuple[str, Ints, Ints]]:
    """Yield each grid whose blocks that count are in several groups, those blocks, and the group of each."""
    # One number a pair: many times faster than rows of two.
    many = int(group.max(initial=0)) + 1
    pairs = np.unique(board.code[counted] * many + group[counted])
    codes, times = np.unique(pairs // many, return_counts=True)
    for grid in sorted(str(board.names[code]) for code in codes[times > 1]):
        mine = board.members[grid]
        mine = mine[counted[mine]]
        yield grid, mine, group[mine]


def _largest(group: Ints, held: Floats, area: Floats) -> int:
    """Return the group with the most households; of equals the one with the most ground."""
    groups, number = np.unique(group, return_inverse=True)
    sums = [np.bincount(number, weights=each) for each in (area, held)]
    return int(groups[np.lexsort(sums)[-1]])


def _pieces(a: Ints, b: Ints, n: int) -> Ints:
    links = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _ids(ground: Ground, rows: Ints) -> tuple[str, ...]:
    return tuple(str(block) for block in ground.ids[rows])


def _judge_compounds(plan: Plan, ground: Ground, board: Board) -> Iterable[Finding]:
    held, labels = held_households(plan), board.labels
    for name, blocks in _compounds(plan, ground):
        lived = blocks[held[blocks] > 0]
        grids = sorted({labels[block] for block in lived if labels[block] is not None})
        if len(grids) > 1:
            most = max(grids, key=lambda grid: (held[lived[labels[lived] == grid]].sum(), grid))
            loose = tuple(str(ground.ids[block]) for block in lived if labels[block] not in (most, None))
            yield Finding("split_compound", name, loose, {"grids": ", ".join(grids), "most": most})


def _compounds(plan: Plan, ground: Ground) -> list[tuple[str, Ints]]:
    """Return each named residential compound with the blocks that hold a tenth of it or more."""
    key = "compounds"
    known = ground.notes.get(key)
    if known is None:
        named = plan.landuse[plan.landuse["name"].notna() & plan.landuse["landuse_kind"].isin(_COMPOUND_KINDS)]
        shapes = named.geometry.to_numpy()
        which, block = shapely.STRtree(ground.shapes).query(shapes, predicate="intersects")
        share = shapely.area(shapely.intersection(shapes[which], ground.shapes[block])) / shapely.area(shapes)[which]
        kept = share >= _COMPOUND_SHARE
        which, block = which[kept], block[kept]
        known = [(str(named["name"].iloc[one]), np.sort(block[which == one])) for one in np.unique(which)]
        ground.notes[key] = known
    return known


def _judge_stations(
    plan: Plan, ground: Ground, labels: npt.NDArray[np.object_], before: Plan | None
) -> Iterable[Finding]:
    now = _grid_of_stations(plan, ground, labels)
    was = _grid_of_stations(before, ground, grid_labels(before)) if before is not None else {}
    for station, (grid, block) in now.items():
        if grid is None:
            yield Finding("station_without_grid", station, (block,) if block else ())
        elif was.get(station, (grid, block)) != (grid, block) and was[station][0] not in (grid, None):
            old = str(was[station][0])
            if old in read_cells(plan.grids, "grid_id"):
                yield Finding("station_changed_grid", station, (block,), {"old": old, "new": grid})


def _grid_of_stations(plan: Plan, ground: Ground, labels: npt.NDArray[np.object_]) -> dict[str, tuple[str | None, str]]:
    if "tree" not in ground.notes:
        ground.notes["tree"] = shapely.STRtree(ground.shapes)
    notes = notes_on(plan.stations)
    if notes.get("blocks_of") is not ground.ids:
        found = np.full(len(plan.stations), -1, dtype=np.int64)
        point, block = ground.notes["tree"].query(plan.stations.geometry.to_numpy(), predicate="intersects")
        # Of the blocks that a station on a common border touches, the first is written last.
        order = np.lexsort((block, point))[::-1]
        found[point[order]] = block[order]
        notes["blocks_of"], notes["blocks"] = ground.ids, found
    return {
        station: (labels[block], str(ground.ids[block])) if block >= 0 else (None, "")
        for station, block in zip(read_cells(plan.stations, "station_id"), notes["blocks"], strict=True)
    }
