"""The referee: what is wrong with the grids as they are drawn now, and edits that would put it right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgeo.errors import GridgeoError
from gridgeo.plan import Plan
from gridgeo.redraw.assign import grid_labels
from gridgeo.redraw.attempt import try_edit
from gridgeo.redraw.edits import Edit, make_edit
from gridgeo.redraw.ground import Flags, Ground, Ints, find_ground
from gridgeo.redraw.rebalance import DEFAULT_BAND
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
    ground, labels = find_ground(plan), grid_labels(plan)
    return [
        *_judge_band(plan, labels, households_per_grid),
        *_judge_pieces(plan, ground, labels),
        *_judge_communities(plan, ground, labels),
        *_judge_compounds(plan, ground, labels),
        *_judge_stations(plan, ground, labels, before),
    ]


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
    return [
        (one, suggest_repairs(after, one, households_per_grid=households_per_grid))
        for one in found
        if (one.rule, one.item) not in known
    ]


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
        Edits that can be made and after which the finding is gone, the least first; empty when none is known.
    """
    ground, labels = find_ground(plan), grid_labels(plan)
    done = []
    for edit in _candidates(plan, ground, labels, finding, households_per_grid):
        try:
            after = try_edit(plan, edit).plan
        except GridgeoError:
            continue
        left = {(one.rule, one.item) for one in judge_plan(after, households_per_grid=households_per_grid)}
        if (finding.rule, finding.item) not in left:
            done.append(edit)
    return tuple(done)


def _judge_band(plan: Plan, labels: npt.NDArray[np.object_], band: tuple[float, float]) -> Iterable[Finding]:
    low, high = band
    held = pd.Series(held_households(plan)).groupby(labels).sum()
    general = plan.grids[(plan.grids["grid_kind"] == "general") & ~plan.grids["locked"]]
    for grid in general["grid_id"]:
        count = round(float(held.get(grid, 0.0)))
        if not low <= count <= high:
            values: dict[str, object] = {"households": count, "low": f"{low:g}", "high": f"{high:g}"}
            yield Finding("too_few" if count < low else "too_many", str(grid), said=values)


def _judge_pieces(plan: Plan, ground: Ground, labels: npt.NDArray[np.object_]) -> Iterable[Finding]:
    codes, grids = pd.factorize(labels)
    row = np.repeat(np.arange(len(labels)), np.diff(ground.start))
    same = (codes[row] == codes[ground.end]) & (codes[row] >= 0)
    assigned: Flags = codes >= 0
    lived_in: Flags = assigned & (held_households(plan) > 0)
    for rule, links, counted in (
        ("in_pieces", same, assigned),
        ("not_on_foot", same & ground.walkable, lived_in),
    ):
        piece = _pieces(row[links], ground.end[links], len(labels))
        table = pd.DataFrame({"grid": codes[counted], "piece": piece[counted]}).drop_duplicates()
        split = table["grid"].value_counts()
        for grid in sorted(split.index[split > 1]):
            mine = np.flatnonzero(counted & (codes == grid))
            main = _largest(piece[mine], held_households(plan)[mine], ground.area[mine])
            loose = mine[piece[mine] != main]
            blocks = tuple(str(block) for block in ground.ids[loose])
            yield Finding(rule, str(grids[grid]), blocks, {"pieces": int(split[grid])})


def _pieces(a: Ints, b: Ints, n: int) -> Ints:
    links = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def _largest(piece: Ints, held: npt.NDArray[np.float64], area: npt.NDArray[np.float64]) -> int:
    table = pd.DataFrame({"piece": piece, "held": held, "area": area}).groupby("piece").sum()
    return int(table.sort_values(["held", "area"]).index[-1])


def _judge_communities(plan: Plan, ground: Ground, labels: npt.NDArray[np.object_]) -> Iterable[Finding]:
    community = plan.blocks["community_id"]
    known = community.notna().to_numpy() & (labels != None)  # noqa: E711 (element by element)
    table = pd.DataFrame({"grid": labels[known], "community": community[known].to_numpy(object)})
    several = table.drop_duplicates()["grid"].value_counts()
    held = held_households(plan)
    for grid in sorted(several.index[several > 1]):
        mine = np.flatnonzero(known & (labels == grid))
        places = community.iloc[mine].to_numpy(object)
        codes, names = pd.factorize(places, sort=True)
        home = names[_largest(codes, held[mine], ground.area[mine])]
        loose = mine[places != home]
        values: dict[str, object] = {"communities": ", ".join(sorted(set(places)))}
        yield Finding("across_communities", str(grid), tuple(str(block) for block in ground.ids[loose]), values)


def _judge_compounds(plan: Plan, ground: Ground, labels: npt.NDArray[np.object_]) -> Iterable[Finding]:
    held = held_households(plan)
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
            if old in set(plan.grids["grid_id"]):
                yield Finding("station_changed_grid", station, (block,), {"old": old, "new": grid})


def _grid_of_stations(plan: Plan, ground: Ground, labels: npt.NDArray[np.object_]) -> dict[str, tuple[str | None, str]]:
    if "tree" not in ground.notes:
        ground.notes["tree"] = shapely.STRtree(ground.shapes)
    found = np.full(len(plan.stations), len(labels), dtype=np.int64)
    point, block = ground.notes["tree"].query(plan.stations.geometry.to_numpy(), predicate="intersects")
    np.minimum.at(found, point, block)
    grids, ids = [*labels, None], [*ground.ids, ""]
    return {
        str(station): (grids[row], str(ids[row]))
        for station, row in zip(plan.stations["station_id"], found, strict=True)
    }


def _candidates(
    plan: Plan,
    ground: Ground,
    labels: npt.NDArray[np.object_],
    finding: Finding,
    band: tuple[float, float],
) -> Iterable[Edit]:
    match finding.rule:
        case "too_few" | "too_many":
            yield from _candidates_for_band(plan, ground, labels, finding.item, band)
        case "in_pieces" | "not_on_foot" | "across_communities":
            yield from _candidates_for_blocks(plan, ground, labels, finding)
        case "split_compound":
            yield make_edit("move_blocks", blocks=finding.blocks, to=finding.said["most"])
        case "station_changed_grid":
            yield make_edit("move_blocks", blocks=finding.blocks, to=finding.said["old"])
        case "station_without_grid":
            for block in finding.blocks:
                near = _neighbours(plan, ground, labels, np.array([ground.place[block]]))
                yield from (make_edit("move_blocks", blocks=[block], to=grid) for grid in near)


def _candidates_for_band(
    plan: Plan, ground: Ground, labels: npt.NDArray[np.object_], grid: str, band: tuple[float, float]
) -> Iterable[Edit]:
    members = np.flatnonzero(labels == grid)
    near = _neighbours(plan, ground, labels, members)
    held = pd.Series(held_households(plan)).groupby(labels).sum()
    few = held[grid] < band[0]
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


def _candidates_for_blocks(
    plan: Plan, ground: Ground, labels: npt.NDArray[np.object_], finding: Finding
) -> Iterable[Edit]:
    rows = np.array([ground.place[block] for block in finding.blocks], dtype=np.int64)
    near = _neighbours(plan, ground, labels, rows)
    yield from (make_edit("move_blocks", blocks=finding.blocks, to=grid) for grid in near if grid != finding.item)
    yield make_edit("new_grid", blocks=finding.blocks)


def _neighbours(plan: Plan, ground: Ground, labels: npt.NDArray[np.object_], rows: Ints) -> list[str]:
    """Return the unlocked grids beside some blocks and in their community, those with the longest border first."""
    locked = set(plan.grids["grid_id"][plan.grids["locked"]])
    community = plan.blocks["community_id"].fillna("").to_numpy(object)
    own = set(rows.tolist())
    around: dict[str, float] = {}
    for block in rows:
        for link in range(ground.start[block], ground.start[block + 1]):
            other = int(ground.end[link])
            grid = labels[other]
            if other not in own and grid is not None and grid not in locked and community[other] == community[block]:
                around[grid] = around.get(grid, 0.0) + float(ground.length[link])
    mine = {labels[block] for block in rows}
    return sorted((grid for grid in around if len(mine) > 1 or grid not in mine), key=lambda g: (-around[g], g))
