"""What became of the grids: the old ↔ new crosswalk by households, and the list for handing over."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridgeo.plan import Plan, locate
from gridgeo.redraw.assign import grid_labels
from gridgeo.redraw.ground import find_ground

PEOPLE = ("households", "persons", "elderly", "children", "disabled", "low_income")
"""Who is counted in both tables."""


def cross_grids(before: Plan, after: Plan) -> pd.DataFrame:
    """Tabulate which old grid's households are in which new grid.

    Parameters
    ----------
    before, after : Plan
        The plan before and after edits; their blocks are the same.

    Returns
    -------
    DataFrame
        One row for each pair of an old and a new grid that share a block: ``old_grid``, ``old_code``, ``new_grid``,
        ``new_code``, ``relation`` (``same``, ``recoded``, ``split``, ``merged``, ``changed``), ``blocks``, then
        `PEOPLE` as counted after, then ``share_of_old`` and ``share_of_new`` (of households; NaN where there are
        none). The counts add up to those of all blocks.
    """
    blocks = _people_of_blocks(after)
    blocks["old_grid"], blocks["new_grid"] = grid_labels(before), grid_labels(after)
    pairs = blocks.groupby(["old_grid", "new_grid"], dropna=False, sort=True).sum(skipna=False).reset_index()
    old = pairs.groupby("old_grid", dropna=False)["households"].transform("sum")
    new = pairs.groupby("new_grid", dropna=False)["households"].transform("sum")
    parts = pairs.groupby("old_grid", dropna=False)["new_grid"].transform("size")
    sources = pairs.groupby("new_grid", dropna=False)["old_grid"].transform("size")
    pairs["share_of_old"] = pairs["households"] / old.where(old > 0)
    pairs["share_of_new"] = pairs["households"] / new.where(new > 0)
    for side, plan in (("old", before), ("new", after)):
        codes = dict(zip(plan.grids["grid_id"], plan.grids["code"], strict=True))
        known = [codes.get(grid) for grid in pairs[f"{side}_grid"]]
        pairs[f"{side}_code"] = pd.array(known, dtype="str")
    recoded = pairs["old_code"].fillna("") != pairs["new_code"].fillna("")
    renamed = (pairs["old_grid"] != pairs["new_grid"]) | recoded
    pairs["relation"] = np.select(
        [
            (parts == 1) & (sources == 1) & ~renamed,
            (parts == 1) & (sources == 1),
            (parts > 1) & (sources == 1),
            (parts == 1) & (sources > 1),
        ],
        ["same", "recoded", "split", "merged"],
        "changed",
    )
    columns = [
        "old_grid", "old_code", "new_grid", "new_code", "relation", "blocks", *PEOPLE, "share_of_old", "share_of_new",
    ]  # fmt: skip
    return pairs[columns]


def list_handover(before: Plan, after: Plan) -> pd.DataFrame:
    """List what goes from one grid, and its staff, to another.

    Parameters
    ----------
    before, after : Plan
        The plan before and after edits; their blocks are the same.

    Returns
    -------
    DataFrame
        One row for each household point whose block changed its grid, and each building there without one:
        ``from_grid``, ``from_name``, ``from_staff``, ``to_grid``, ``to_name``, ``to_staff``, ``block_id``,
        ``building_id``, ``building_name``, ``household_id``, then `PEOPLE`.
    """
    labels, now = grid_labels(before), grid_labels(after)
    ids = find_ground(after).ids
    moved = {str(ids[row]): (labels[row], now[row]) for row in np.flatnonzero(labels != now)}
    people = after.households[after.households["block_id"].isin(list(moved))]
    home = locate(people.geometry, after.buildings, "building_id")
    rows = people[["block_id", "household_id", *PEOPLE]].assign(building_id=home.to_numpy())
    corner = locate(after.buildings.geometry.representative_point(), after.blocks, "block_id")
    others = after.buildings[corner.isin(list(moved)).to_numpy() & ~after.buildings["building_id"].isin(home)]
    empty = pd.DataFrame({"block_id": corner[others.index].to_numpy(), "building_id": others["building_id"].to_numpy()})
    table = pd.concat([pd.DataFrame(rows), empty.assign(**dict.fromkeys(PEOPLE, 0.0))], ignore_index=True)
    names = dict(zip(after.buildings["building_id"], after.buildings["name"], strict=True))
    table["building_name"] = [names.get(building) for building in table["building_id"]]
    for side, place, plan in (("from", 0, before), ("to", 1, after)):
        grids = plan.grids.drop_duplicates("grid_id").set_index("grid_id")
        table[f"{side}_grid"] = [moved[block][place] for block in table["block_id"]]
        for column in ("name", "staff"):
            known = grids[column].to_dict()
            table[f"{side}_{column}"] = [known.get(grid) for grid in table[f"{side}_grid"]]
    columns = [
        *(f"{side}_{column}" for side in ("from", "to") for column in ("grid", "name", "staff")), "block_id",
        "building_id", "building_name", "household_id", *PEOPLE,
    ]  # fmt: skip
    order = ["from_grid", "to_grid", "block_id", "building_id", "household_id"]
    listed: pd.DataFrame = table[columns].sort_values(order, kind="stable", na_position="first")
    return listed.reset_index(drop=True)


def _people_of_blocks(plan: Plan) -> pd.DataFrame:
    people = plan.households.groupby("block_id")[list(PEOPLE)].sum(skipna=False)
    inhabited = plan.blocks["block_id"].isin(people.index).to_numpy()
    table = people.astype("float64").reindex(plan.blocks["block_id"]).reset_index(drop=True)
    table[~inhabited] = 0.0
    counted: pd.DataFrame = table.assign(blocks=1)
    return counted
