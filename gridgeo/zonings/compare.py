"""Where zonings of one ground differ, and whether two of them are the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.network.measure import Flags
from gridgeo.plan import Plan
from gridgeo.zonings.labels import Ground, lay_out, moved_blocks, pair_zones, rand_index


@dataclass(frozen=True, eq=False)
class ZoningComparison:
    """Several zonings side by side. Made by `compare_zonings`.

    Parameters
    ----------
    blocks : GeoDataFrame
        Every block: ``block_id``, ``households``, its zone in each zoning (a column each), ``disagree`` (two zonings
        put it into zones that are not each other's pair, or one leaves it out).
    pairs : DataFrame
        For every two zonings: ``one``, ``other``, ``households_moved`` and ``share_moved`` (the fewest that must
        change their zone for the one to become the other), ``blocks_moved``, ``rand`` (share of pairs of households
        treated alike), ``households_missing`` (in blocks that one of the two leaves out).
    missing : DataFrame
        ``zoning``, ``block_id``, ``households``: blocks that a zoning leaves out.
    summary : dict
        ``zonings`` (zones by name), ``blocks``, ``households``, ``blocks_in_dispute``, ``households_in_dispute``,
        ``share_in_dispute``, ``households_missing``.
    """

    blocks: gpd.GeoDataFrame
    pairs: pd.DataFrame
    missing: pd.DataFrame
    summary: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Coincidence:
    """Whether two zonings are the same. Made by `zonings_coincide`.

    Parameters
    ----------
    same : bool
        Whether they put the blocks together in the same way, whatever they call the zones.
    pairs : DataFrame
        Each zone of the one with its pair: ``one``, ``other`` (missing for none), ``households`` and ``blocks`` in
        common, ``same`` (the two zones have all their blocks in common).
    mismatch : GeoDataFrame
        The blocks in which they differ: ``block_id``, ``households``, ``one``, ``other`` (its zone in each; missing
        where that leaves it out).
    """

    same: bool
    pairs: pd.DataFrame
    mismatch: gpd.GeoDataFrame


def compare_zonings(plan: Plan, zonings: Iterable[str] | None = None) -> ZoningComparison:
    """Lay departments' grids over each other and tell where they differ.

    Parameters
    ----------
    plan : Plan
        The plan, with blocks, households and zonings.
    zonings : iterable of str, optional
        Which zonings: names, or ``level:<level>``; all when left out.

    Returns
    -------
    ZoningComparison
        Block by block and pair by pair.

    Raises
    ------
    MissingDataError
        If the plan has no blocks or no zonings.
    InputError
        If there is no such zoning, or one names blocks that the plan has not got.
    """
    ground = lay_out(plan, zonings)
    homes, weight = ground.households, ground.weight
    disagree = (ground.labels < 0).any(axis=0)
    rows = []
    for one, other in combinations(range(len(ground.names)), 2):
        first, second = ground.labels[one], ground.labels[other]
        moved = moved_blocks(first, second, weight)
        disagree |= moved
        both = (first >= 0) & (second >= 0)
        rows.append(
            {
                "one": ground.names[one],
                "other": ground.names[other],
                "households_moved": round(float(homes[moved].sum())),
                "share_moved": float(homes[moved].sum() / homes[both].sum()) if homes[both].sum() else float("nan"),
                "blocks_moved": int(moved.sum()),
                "rand": rand_index(first, second, homes),
                "households_missing": round(float(homes[~both].sum())),
            }
        )
    columns = ["one", "other", "households_moved", "share_moved", "blocks_moved", "rand", "households_missing"]
    table = _side_by_side(ground).assign(disagree=disagree)
    missing = _missing(ground)
    total = float(homes.sum())
    summary = {
        "zonings": {name: len(zones) for name, zones in zip(ground.names, ground.zones, strict=True)},
        "blocks": len(table),
        "households": round(total),
        "blocks_in_dispute": int(disagree.sum()),
        "households_in_dispute": round(float(homes[disagree].sum())),
        "share_in_dispute": float(homes[disagree].sum()) / total if total else float("nan"),
        "households_missing": {
            name: round(float(missing.loc[missing["zoning"] == name, "households"].sum())) for name in ground.names
        },
    }
    return ZoningComparison(table, pd.DataFrame(rows, columns=columns), missing, summary)


def zonings_coincide(plan: Plan, one: str, other: str) -> Coincidence:
    """Tell whether two zonings of the ground are the same, and where not.

    Parameters
    ----------
    plan : Plan
        The plan, with blocks and zonings.
    one, other : str
        The zonings: names, or ``level:<level>`` for a level of the plan (``level:area``).

    Returns
    -------
    Coincidence
        The answer, zone by zone, and the blocks in which they differ.

    Raises
    ------
    MissingDataError
        If the plan has no blocks.
    InputError
        If there is no such zoning or level, or one names blocks that the plan has not got.
    """
    ground = lay_out(plan, (one, other))
    first, second = ground.labels[0], ground.labels[-1]
    pair = pair_zones(first, second, ground.weight)
    off = moved_blocks(first, second, ground.weight) | ((first < 0) != (second < 0))
    names = [ground.zone_ids(at) for at in (0, len(ground.names) - 1)]
    rows = []
    for zone, name in enumerate(ground.zones[0]):
        common: Flags = (first == zone) & (second == pair[zone]) & (pair[zone] >= 0)
        every = (first == zone) | ((second == pair[zone]) & (pair[zone] >= 0))
        rows.append(
            {
                "one": name,
                "other": ground.zones[-1][pair[zone]] if pair[zone] >= 0 else None,
                "households": round(float(ground.households[common].sum())),
                "blocks": int(common.sum()),
                "same": bool(common.any() and (common == every).all()),
            }
        )
    table = pd.DataFrame(rows, columns=["one", "other", "households", "blocks", "same"]).astype({"other": "str"})
    homes = np.rint(ground.households).astype(np.int64)
    told = ground.blocks[["block_id", "geometry"]].assign(households=homes, one=names[0], other=names[1])
    return Coincidence(not off.any(), table, told[off])


def overlay_zonings(plan: Plan, zonings: Iterable[str] | None = None) -> gpd.GeoDataFrame:
    """Return the plain overlay: every piece that no zoning divides.

    Parameters
    ----------
    plan : Plan
        The plan, with blocks, households and zonings.
    zonings : iterable of str, optional
        Which zonings; all when left out.

    Returns
    -------
    GeoDataFrame
        A row for each combination of zones that occurs: a column for each zoning, ``households``, ``blocks`` (how
        many), and the ground, perhaps in several parts.

    Raises
    ------
    MissingDataError
        If the plan has no blocks or no zonings.
    InputError
        If there is no such zoning, or one names blocks that the plan has not got.
    """
    ground = lay_out(plan, zonings)
    table = _side_by_side(ground).drop(columns="block_id").assign(blocks=1)
    pieces = table.dissolve(
        list(ground.names), aggfunc={"households": "sum", "blocks": "sum"}, dropna=False, method="coverage"
    )
    return pieces.reset_index()[[*ground.names, "households", "blocks", "geometry"]]


def _side_by_side(ground: Ground) -> gpd.GeoDataFrame:
    zones = {name: ground.zone_ids(at) for at, name in enumerate(ground.names)}
    homes = np.rint(ground.households).astype(np.int64)
    return ground.blocks[["block_id", "geometry"]].assign(households=homes, **zones)


def _missing(ground: Ground) -> pd.DataFrame:
    zoning, block = np.nonzero(ground.labels < 0)
    return pd.DataFrame(
        {
            "zoning": pd.Series(np.array(ground.names, dtype=object)[zoning], dtype="str"),
            "block_id": ground.blocks["block_id"].to_numpy()[block],
            "households": np.rint(ground.households[block]).astype(np.int64),
        }
    )
