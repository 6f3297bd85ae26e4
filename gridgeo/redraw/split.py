"""A grid cut in two along a street or a drawn line: the cut follows block borders, strong streets first.

Each block would rather lie on the side of the line where most of its ground is; a border between the two sides costs
the more the less it is a street. The cheapest cut is found exactly, as a minimum cut between the two sides (Ford and
Fulkerson 1956; here by `scipy.sparse.csgraph.maximum_flow`).
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow
from shapely.ops import split

from gridgeo.errors import InputError
from gridgeo.plan import Plan
from gridgeo.redraw.assign import (
    grid_labels,
    locked_grids,
    next_grid_id,
    reassign,
    require_row,
    require_unlocked,
)
from gridgeo.redraw.board import NOBODY, find_board
from gridgeo.redraw.changes import find_row
from gridgeo.redraw.codes import next_code, next_name
from gridgeo.redraw.edits import Edit, make_edit
from gridgeo.redraw.grids import Draft, new_grid_row
from gridgeo.redraw.ground import Flags, Floats, Ground, Ints, find_ground

_SNAP_M = 20.0
"""A metre of border that is no street costs as much as this many square metres on the wrong side."""

_FREE = 1.35
_STREET_WITHIN_M = 20.0
_MOST = float(2**30)


def split_grid(plan: Plan, edit: Edit) -> Draft:
    """Cut a grid in two along a street or a drawn line.

    Each side keeps its largest piece; what is cut off from it joins the side it has most border with, and is offered
    to the neighbouring grids of the same community. The side with more households keeps the grid's id, name and code.

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``grid``, one of ``street`` (name or id) and ``line``, and ``new`` (the id of the new grid).

    Returns
    -------
    Draft
        The changes, and the offers.

    Raises
    ------
    InputError
        If the grid or the street does not exist, the grid is locked or of one block, the line misses it, or leaves all
        its blocks on one side.
    """
    grid = edit.get("grid")
    require_row(plan, "grids", grid)
    require_unlocked(plan, {grid})
    new = edit.get("new") or next_grid_id(plan)
    if find_row(plan, "grids", new) is not None:
        raise InputError("item_exists", layer="grids", value=new)
    ground = find_ground(plan)
    members = find_board(plan).members.get(grid, NOBODY)
    line = _cutting_line(plan, edit, ground.shapes[members])
    left = _cut(ground, members, _share_left(ground.shapes[members], line))
    held = held_households(plan)[members]
    sides, loose = _keep_main_pieces(ground, members, left, held)
    sums = [(held[sides == side].sum(), ground.area[members[sides == side]].sum()) for side in (0, 1)]
    if not all((sides == side).any() for side in (0, 1)):
        raise InputError("split_one_side", value=grid)
    leaving = members[sides == (1 if sums[0] >= sums[1] else 0)]
    row = new_grid_row(new, name=next_name(plan, leaving), code=next_code(plan, leaving))
    changes = reassign(plan, leaving, np.full(len(leaving), new, dtype=object), come={new: row})
    return Draft(tuple(changes), _offer(plan, ground, [members[piece] for piece in loose], {grid, new}))


def _cutting_line(plan: Plan, edit: Edit, shapes: npt.NDArray[np.object_]) -> shapely.LineString:
    grid, street = edit.get("grid"), edit.get("street")
    if (street is None) == (edit.get("line") is None):
        raise InputError("split_line_or_street")
    if len(shapes) < 2:  # noqa: PLR2004 (a cut leaves two sides)
        raise InputError("split_one_block", value=grid)
    shape = shapely.coverage_union_all(shapes)
    if street is None:
        line = shapely.LineString(edit.get("line"))
        if not line.intersects(shape):
            raise InputError("split_misses", value=grid)
        return line
    named = plan.streets[(plan.streets["name"] == street) | (plan.streets["street_id"] == street)]
    if len(named) == 0:
        raise InputError("unknown_item", layer="streets", value=street)
    inside = shapely.intersection(shapely.union_all(named.geometry.to_numpy()), shape)
    lines = [part for part in shapely.get_parts(shapely.line_merge(_lines_of(inside))) if part.length > 0]
    if sum(part.length for part in lines) < _STREET_WITHIN_M:
        raise InputError("split_misses", value=grid)
    return cast("shapely.LineString", max(lines, key=lambda part: part.length))


def _lines_of(shape: shapely.Geometry) -> shapely.Geometry:
    parts = shapely.get_parts(shape)
    lines: shapely.Geometry = shapely.multilinestrings(
        parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING]
    )
    return lines


def _share_left(shapes: npt.NDArray[np.object_], line: shapely.LineString) -> Floats:
    """Return how much of each block's ground lies left of the line, its ends drawn out straight beyond the grid."""
    bounds = shapely.box(*shapely.total_bounds(np.array([*shapes, line])))
    far = 2 * (bounds.length + 1)
    points = np.array(line.coords)[:, :2]
    first, last = _beyond(points[1], points[0], far), _beyond(points[-2], points[-1], far)
    long = shapely.node(shapely.LineString([first, *points, last]))
    pieces = shapely.get_parts(split(bounds.buffer(bounds.length / 4 + 1, join_style="mitre"), long))
    corners, part = shapely.get_coordinates(shapely.get_parts(long), return_index=True)
    ends = np.stack([corners[:-1], corners[1:]], axis=1)[part[1:] == part[:-1]]
    step = ends[:, 1] - ends[:, 0]
    length = np.maximum(np.hypot(*step.T), 1e-12)[:, None]
    beside = ends.mean(axis=1) + 1e-3 * np.column_stack([-step[:, 1], step[:, 0]]) / length
    is_left = np.zeros(len(pieces), dtype=bool)
    piece, _ = shapely.STRtree(shapely.points(beside)).query(pieces, predicate="contains")
    is_left[np.unique(piece)] = True
    left = shapely.union_all(pieces[is_left])
    return np.asarray(shapely.area(shapely.intersection(shapes, left)), dtype=np.float64)


def _beyond(before: Floats, end: Floats, far: float) -> Floats:
    step = end - before
    return np.asarray(end + step / max(float(np.hypot(*step)), 1e-12) * far)


def _cut(ground: Ground, members: Ints, left_m2: Floats) -> Flags:
    """Find the cheapest cut between the block that lies most to the left and the one most to the right."""
    right_m2 = ground.area[members] - left_m2
    lean = left_m2 - right_m2
    n, source, sink = len(members), len(members), len(members) + 1
    a, b, link = ground.links_among(members)
    border = ground.length[link] * (_FREE - np.minimum(ground.strength[link], _FREE - 0.05)) * _SNAP_M
    pull, push = left_m2.copy(), right_m2.copy()
    scale = min(1.0, _MOST / 4 / max(float(ground.area[members].sum() + border.sum()), 1.0))
    pull[np.argmax(lean)] = push[np.argmin(lean)] = _MOST / scale
    row = np.concatenate([a, b, np.full(n, source), np.arange(n)])
    column = np.concatenate([b, a, np.arange(n), np.full(n, sink)])
    capacity = np.minimum(np.ceil(np.concatenate([border, border, pull, push]) * scale), _MOST).astype(np.int32)
    network = csr_array((capacity, (row, column)), shape=(n + 2, n + 2))
    residual = network - maximum_flow(network, source, sink).flow
    residual.data = np.maximum(residual.data, 0)
    residual.eliminate_zeros()
    reached = breadth_first_order(residual, source, return_predecessors=False)
    is_left = np.zeros(n + 2, dtype=bool)
    is_left[reached] = True
    return is_left[:n]


def _keep_main_pieces(ground: Ground, members: Ints, left: Flags, held: Floats) -> tuple[Ints, list[Ints]]:
    """Let each side keep its largest piece; join the rest to the side they have most border with."""
    side = np.where(left, 0, 1)
    piece = np.empty(len(members), dtype=np.int64)
    loose: list[Ints] = []
    done = np.zeros(len(members), dtype=bool)
    for one in (0, 1):
        mine = np.flatnonzero(side == one)
        piece = ground.pieces_of(members[mine], on_foot=False)
        size = [
            (held[mine[piece == k]].sum(), ground.area[members[mine[piece == k]]].sum(), -k)
            for k in range(int(piece.max(initial=-1)) + 1)
        ]
        main = max(range(len(size)), key=size.__getitem__, default=-1)
        done[mine[piece == main]] = True
        loose += [mine[piece == k] for k in range(len(size)) if k != main]
    a, b, link = ground.links_among(members)
    waiting = list(loose)
    while waiting:
        best: tuple[float, int, int] | None = None
        for number, some in enumerate(waiting):
            inside = np.isin(np.arange(len(members)), some)
            out = np.where(inside[a] & done[b], b, np.where(inside[b] & done[a], a, -1))
            for one in (0, 1):
                length = float(ground.length[link][(out >= 0) & (side[out] == one)].sum())
                if length > 0 and (best is None or length > best[0]):
                    best = (length, number, one)
        if best is None:
            break
        some = waiting.pop(best[1])
        side[some], done[some] = best[2], True
    return side, loose


def _offer(plan: Plan, ground: Ground, loose: list[Ints], own: set[str]) -> tuple[Edit, ...]:
    labels = grid_labels(plan)
    locked, community = locked_grids(plan), find_board(plan).communities
    offers = []
    for piece in loose:
        around: dict[str, float] = {}
        for block in piece:
            for link in range(ground.start[block], ground.start[block + 1]):
                other = ground.end[link]
                grid = labels[other]
                if grid is not None and grid not in own | locked and community[other] == community[block]:
                    around[grid] = around.get(grid, 0.0) + float(ground.length[link])
        blocks = [str(ground.ids[block]) for block in piece]
        offers += [
            make_edit("move_blocks", blocks=blocks, to=grid)
            for grid in sorted(around, key=lambda grid: (-around[grid], grid))
        ]
    return tuple(offers)


def held_households(plan: Plan) -> Floats:
    """Return how many households each block holds.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    ndarray of float, shape (blocks,)
        The blocks' own count where they carry one, else the sum over their household points.
    """
    held = find_board(plan).sums.get("households")
    if held is not None:
        return np.asarray(held, dtype=np.float64)
    ground = find_ground(plan)
    count = plan.households["households"].to_numpy(np.float64)
    return np.array([count[ground.households_of(block)].sum() for block in range(len(ground.ids))])
