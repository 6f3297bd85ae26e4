"""Programmes from end to end: a plan put into one's shape, its report, and worked examples on a bundled place."""

from __future__ import annotations

from dataclasses import replace
from math import isinf
from pathlib import Path

import geopandas as gpd
import pandas as pd

from gridgeo.assessment import HOUSEHOLDS_PER_GRID, divide_plan
from gridgeo.blocks import enclose_blocks
from gridgeo.errors import InputError
from gridgeo.examples import EXAMPLES, make_example
from gridgeo.partition import find_dedicated, group_units, partition_grids
from gridgeo.plan import Plan
from gridgeo.programmes import (
    Programme,
    ProgrammeReport,
    applied_programme,
    apply_programme,
    judge_programme,
    read_programme,
)
from gridgeo.programmes.model import Bound, both
from gridgeo.readers import bundled_plan_path
from gridgeo.store import read_plan
from gridgeo.texts import using_language
from gridgeo.zonings import merge_zonings


def apply_to_plan(plan: Plan, programme: Programme) -> Plan:
    """Put a programme into a plan; a plan without grids gets them, of the programme's size.

    Parameters
    ----------
    plan : Plan
        The plan.
    programme : Programme
        The programme.

    Returns
    -------
    Plan
        See `gridgeo.programmes.apply_programme`.

    Raises
    ------
    GridgeoError
        If grids cannot be made.
    """
    if (len(plan.blocks) == 0 or len(plan.grids) == 0) and len(plan.streets) and len(plan.households):
        plan, _, _ = divide_plan(plan, households_per_grid=_band(programme.households))
    return apply_programme(plan, programme)


def report_on_plan(plan: Plan, programme: str | Path | None = None, *, file: str = "") -> ProgrammeReport:
    """Judge a plan by the programme it keeps, or by another.

    Parameters
    ----------
    plan : Plan
        The plan.
    programme : str or Path, optional
        A programme's name or file; the plan keeps its own.
    file : str, optional
        What the plan's file is called, for the error.

    Returns
    -------
    ProgrammeReport
        The report.

    Raises
    ------
    MissingDataError
        If no programme is named and none was applied.
    """
    if programme is not None:
        return judge_programme(plan, read_programme(programme))
    return judge_programme(plan, applied_programme(plan, file=file))


_EFFORT = 0.25
"""An example's few blocks need no long search."""


def build_example(programme: Programme, *, plan: Plan | None = None, seed: int = 0) -> Plan:
    """Build the worked example of a programme.

    Parameters
    ----------
    programme : Programme
        The programme; its ``example`` says what to start from: ``place``, a ``unit`` to keep (``"largest"`` or a unit's
        id), how many ``communities`` to make, ``households`` a grid, whether there are ``dedicated`` grids, and whether
        departments' grids are ``merged`` into the plan's; ``tables`` names the programme whose tables are made up.
    plan : Plan, optional
        Start from this plan instead.
    seed : int
        Same seed, same example.

    Returns
    -------
    Plan
        The plan with the programme applied. Everything made up is marked ``estimated`` and named in the plan's notes.

    Raises
    ------
    InputError
        If gridgeo has no tables for this programme, or the plan has no such unit.
    """
    made_of = programme.example
    tables = made_of["tables"] or programme.name
    if tables not in EXAMPLES:
        raise InputError("programme_no_example", value=programme.name, allowed=", ".join(EXAMPLES))
    if plan is None:
        plan = read_plan(bundled_plan_path(made_of["place"] or "qinghuayuan"))
    # Names are given in the offices' language, whoever builds the example: readers of both languages share it.
    with using_language("zh"):
        if made_of["unit"] is not None:
            plan = keep_unit(plan, made_of["unit"])
        if len(plan.grids) == 0 or made_of["unit"] or made_of["households"] or made_of["dedicated"]:
            plan = divide_ground(plan, programme, seed=seed)
        if made_of["communities"] is not None:
            plan = regroup_communities(plan, made_of["communities"], seed=seed)
        plan = apply_programme(plan, programme)
        made = make_example(tables, plan, seed=seed)
        return _merge(made, tables, programme, seed=seed) if made_of["merged"] else made


def keep_unit(plan: Plan, unit: str) -> Plan:
    """Cut a plan down to one unit of the level above the grids.

    Parameters
    ----------
    plan : Plan
        The plan.
    unit : str
        The unit's id, or ``"largest"``: the one with most households.

    Returns
    -------
    Plan
        That unit and what lies in it; streets and barriers stay, since one may walk outside.

    Raises
    ------
    InputError
        If there is no such unit.
    """
    plan.require("units", "households")
    level = plan.info.levels[-2].level
    column = f"{level}_id"
    held = plan.households.groupby(column)["households"].sum()
    unit_id = str(held.idxmax()) if unit == "largest" and len(held) else unit
    mine = plan.units[plan.units["unit_id"] == unit_id]
    if mine.empty:
        raise InputError("unknown_choice", value=unit_id, allowed=", ".join(held.index.astype("str")))
    ground = mine.geometry.iloc[0]
    inside = {
        name: layer[layer.intersects(ground)]
        for name, layer in plan.layers().items()
        if name in ("buildings", "landuse", "places", "stations")
    }
    empty = {name: getattr(plan, name).iloc[:0] for name in ("blocks", "grids", *_ABOUT_PEOPLE)}
    # The first cut takes what refers to other ground away, the second the levels above: a plan agrees at every step.
    homes = plan.households[plan.households[column] == unit_id]
    info = replace(plan.info, levels=plan.info.levels[-2:])
    return plan.replace(info=info, edits=(), units=mine.assign(parent_id=None), households=homes, **inside, **empty)


_ABOUT_PEOPLE = ("enterprises", "people", "needs", "visits", "zonings")


def divide_ground(plan: Plan, programme: Programme, *, seed: int = 0) -> Plan:
    """Cut a plan into grids of a programme's size, with dedicated grids where it knows them.

    Parameters
    ----------
    plan : Plan
        The plan.
    programme : Programme
        The programme.
    seed : int
        Same seed, same grids.

    Returns
    -------
    Plan
        The plan with new blocks and grids.
    """
    plan.require("units", "streets", "households")
    band = _band(programme.example["households"] or programme.households)
    finest = plan.units[plan.units["level"] == plan.info.levels[-2].level]
    communities = finest if len(finest) > 1 else None
    blocks = enclose_blocks(
        plan.district,
        plan.streets,
        plan.barriers,
        buildings=plan.buildings,
        households=plan.households,
        communities=communities,
        most_households=band[1],
    )
    dedicated = None
    if programme.example["dedicated"]:
        dedicated = find_dedicated(plan.landuse, households=plan.households, most_households=band[1], named=False)
    partition = partition_grids(
        blocks,
        plan.households,
        households_per_grid=band,
        communities=communities,
        streets=plan.streets,
        barriers=plan.barriers,
        gates=plan.gates,
        dedicated=dedicated,
        seed=seed,
    )
    cut, grids = partition.blocks, partition.grids
    if programme.example["dedicated"] and not (grids["grid_kind"] == "dedicated").any():
        grids = _dedicate_busiest(plan, grids)
    if communities is None:
        # One community only: its blocks and grids are its own.
        cut = cut.assign(community_id=finest["unit_id"].iloc[0])
        grids = grids.assign(community_id=finest["unit_id"].iloc[0])
    return plan.replace(blocks=cut, grids=grids, edits=())


def _dedicate_busiest(plan: Plan, grids: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Call the grid with most mapped places a dedicated one, for an example on ground without campus or market."""
    if plan.places.empty:
        return grids
    inside = grids.sjoin(plan.places[["place_id", "geometry"]], predicate="intersects")
    busiest = inside["grid_id"].value_counts().sort_index().idxmax() if len(inside) else grids["grid_id"].iloc[0]
    return grids.assign(grid_kind=grids["grid_kind"].where(grids["grid_id"] != busiest, "dedicated"))


def regroup_communities(plan: Plan, count: int, *, seed: int = 0) -> Plan:
    """Join a plan's grids into a number of communities, for an example only.

    Parameters
    ----------
    plan : Plan
        The plan, with grids.
    count : int
        How many.
    seed : int
        Same seed, same communities.

    Returns
    -------
    Plan
        The plan with these instead of its own communities; unchanged where it has fewer grids.
    """
    level = plan.info.levels[-2].level
    if len(plan.grids) < count:
        return plan
    held = plan.households.groupby("block_id")["households"].sum()
    blocks = plan.blocks.assign(households=plan.blocks["block_id"].map(held).fillna(0))
    top = plan.units[plan.units["level"] == plan.info.levels[0].level]
    parent, made = group_units(blocks, count, of="grid_id", level=level, parent_id=top["unit_id"].iloc[0], seed=seed)
    made = made.assign(name=[f"示例社区{number:02}" for number in range(1, len(made) + 1)], estimated=True)
    others = plan.units[plan.units["level"] != level]
    notes = (*plan.info.notes, both("note.communities", count=len(made)))
    units = gpd.GeoDataFrame(pd.concat([others, made], ignore_index=True), crs=plan.crs)
    return plan.replace(
        info=replace(plan.info, notes=notes),
        units=units,
        blocks=plan.blocks.assign(community_id=plan.blocks["grid_id"].map(parent)),
        grids=plan.grids.assign(community_id=plan.grids["grid_id"].map(parent)),
    )


def _merge(made: Plan, tables: str, programme: Programme, *, seed: int) -> Plan:
    """Make the departments' grids one, let the plan's grids be that one, and make the tables anew for them."""
    band = _band(programme.example["households"] or programme.households)
    merged = merge_zonings(made, households_per_grid=band, seed=seed, effort=_EFFORT)
    grids = merged.partition.grids
    kinds = _keep_kinds(made, merged.partition.blocks)
    grids = grids.assign(grid_kind=grids["grid_id"].map(kinds).fillna("general"))
    if programme.example["dedicated"] and not (grids["grid_kind"] == "dedicated").any():
        grids = _dedicate_busiest(made, grids)
    communities = made.grids["community_id"].dropna().unique()
    if len(communities) == 1:
        grids = grids.assign(community_id=communities[0])
    blocks = made.blocks.assign(
        grid_id=made.blocks["block_id"].map(merged.partition.blocks.set_index("block_id")["grid_id"])
    )
    zonings = pd.concat([made.zonings, merged.rows], ignore_index=True)
    empty = {name: getattr(made, name).iloc[:0] for name in ("enterprises", "people", "needs", "visits", "stations")}
    plan = made.replace(blocks=blocks, grids=grids, zonings=made.zonings.iloc[:0], **empty)
    again = make_example(tables, plan, seed=seed, zonings=False)
    return again.replace(zonings=zonings)


def _keep_kinds(plan: Plan, blocks: pd.DataFrame) -> pd.Series:
    """Tell which new grids are dedicated: those most of whose ground was."""
    kind = plan.blocks["grid_id"].map(plan.grids.set_index("grid_id")["grid_kind"]).to_numpy()
    grid = plan.blocks["block_id"].map(blocks.set_index("block_id")["grid_id"])
    area = plan.blocks.area.to_numpy()
    share = (
        pd.Series(area * (kind == "dedicated")).groupby(grid.to_numpy()).sum()
        / pd.Series(area).groupby(grid.to_numpy()).sum()
    )
    kinds: pd.Series = share.map(lambda most: "dedicated" if most > 0.5 else "general")  # noqa: PLR2004 - most of it
    return kinds


def _band(households: Bound) -> tuple[float, float]:
    return households.low, (HOUSEHOLDS_PER_GRID[1] if isinf(households.high) else households.high)
