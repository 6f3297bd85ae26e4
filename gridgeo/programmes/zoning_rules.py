"""Rules about several zonings of one ground: kept identical, or merged into one (多网融合)."""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from gridgeo.plan import Name
from gridgeo.programmes.case import Case
from gridgeo.programmes.model import Bound, Rule, join_names
from gridgeo.programmes.verdicts import Answer, MissingDataSaid, list_places
from gridgeo.zonings import compare_zonings, zonings_coincide


def judge_coincide(case: Case, rule: Rule) -> Answer:
    """Ask whether two zonings of the ground are the same: which blocks lie otherwise in the one than in the other.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``coincide``.

    Returns
    -------
    Answer
        How many blocks; those blocks.
    """
    case.require("blocks", "zonings")
    known = set(case.plan.zonings["zoning"])
    for name in (rule["one"], rule["other"]):
        if name.startswith("level:"):
            case.units(name.removeprefix("level:"))
        elif name not in known:
            raise MissingDataSaid("zoning", zoning=name)
    found = zonings_coincide(case.plan, rule["one"], rule["other"])
    places = _blocks(found.mismatch)
    households = float(np.nansum(places["households"]))
    said = {
        "one": rule["one"].removeprefix("level:"),
        "other": rule["other"].removeprefix("level:"),
        "blocks": len(places),
        "moved": f"{round(households):,}",
        "zones": len(found.pairs),
    }
    return Answer(float(len(places)), "count", Bound(0.0, 0.0), places, said)


def judge_merge(case: Case, rule: Rule) -> Answer:
    """Ask how many households departments' grids put into different zones, before they become one zoning.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``merge``.

    Returns
    -------
    Answer
        The share of households in dispute between the two zonings that differ most; the disputed blocks.
    """
    case.require("blocks", "zonings", "households")
    wanted = rule["zonings"] or tuple(sorted(set(case.plan.zonings["zoning"])))
    for name in wanted:
        if name not in set(case.plan.zonings["zoning"]):
            raise MissingDataSaid("zoning", zoning=name)
    if len(wanted) < 2:  # noqa: PLR2004 - one zoning agrees with itself
        raise MissingDataSaid("zonings")
    mine = case.plan.zonings[case.plan.zonings["zoning"].isin(wanted)]
    found = compare_zonings(case.plan.replace(zonings=mine))
    disputed = found.blocks[found.blocks["disagree"].astype("bool")]
    places = _blocks(disputed)
    weight = case.weights("households")
    value = float(places["households"].sum() / weight.sum())
    said = {
        "zonings": join_names(Name(name, name) for name in wanted),
        "blocks": len(places),
        "disputed": f"{round(places['households'].sum()):,}",
        "pairs": "; ".join(f"{row.one} × {row.other}: {row.households_moved:,.0f}" for row in found.pairs.itertuples()),
    }
    return Answer(value, "share", Bound(0.0, rule["most"]), places, said, found.pairs)


def _blocks(blocks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return list_places("blocks", blocks.geometry, ids=blocks["block_id"], households=blocks["households"])
