"""Rules that count: in all, in every unit of a level, for every station of a kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.coverage import assess_coverage
from gridgeo.programmes.case import Case
from gridgeo.programmes.model import Bound, Rule, Selector, both
from gridgeo.programmes.verdicts import Answer, MissingDataSaid, list_places, no_places

ALL_UNITS = Bound(1.0, 1.0)
"""Every unit must meet a rule that is asked unit by unit."""


def judge_count(case: Case, rule: Rule) -> Answer:
    """Count things: in the plan, in every unit of a level, or for each station of a kind.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``count``.

    Returns
    -------
    Answer
        The number, or the share of units that have the right one; the units that have not.
    """
    what: Selector = rule["what"]
    frame = case.select(what)
    if what.distinct is not None and what.distinct not in frame:
        raise MissingDataSaid("column", layer=case.programme.name_of(what), column=what.distinct)
    said: dict[str, object] = {
        "what": case.programme.name_of(what),
        "of": "" if what.distinct is None else both("said.distinct"),
        "number": str(rule["number"]),
    }
    per: Selector | None = rule["per"]
    if per is None:
        said["where"] = both("said.whole")
        return Answer(_number(frame, what), "count", rule["number"], no_places(case.plan.crs), said)
    if per.layer == "station":
        return _count_by_station(case, frame, rule, said)
    units = case.units(per.key)
    frame = case.located(frame)
    column = f"{per.key}_id"
    if column not in frame:
        raise MissingDataSaid("level", level=case.level_name(per.key))
    found = units["unit_id"].map({key: _number(mine, what) for key, mine in frame.groupby(column)}).fillna(0)
    said["where"] = both("said.per_unit", level=case.level_name(per.key))
    return replace(judge_units(units, found, rule["number"], per.key, said), wording="count_per")


def _count_by_station(case: Case, frame: gpd.GeoDataFrame, rule: Rule, said: dict[str, object]) -> Answer:
    """Count for every station of a kind what is nearest to it on foot, and tell the number that is farthest off."""
    per, wanted = rule["per"], rule["number"]
    stations = case.providers(per).rename(columns={"station_id": "unit_id"})
    frame = frame[frame.geometry.notna()]
    owner = pd.Series(stations["unit_id"].iloc[0], index=frame.index, dtype="str")
    if len(stations) > 1 and len(frame):
        homes = frame[[frame.geometry.name]].assign(household_id=np.arange(len(frame)).astype(str))
        posts = stations[["unit_id", stations.geometry.name]].rename(columns={"unit_id": "station_id"})
        nearest = assess_coverage(case.network, homes, posts).households["station_id"]
        owner = pd.Series(nearest.to_numpy(), index=frame.index)
    counts = {key: _number(mine, rule["what"]) for key, mine in frame.groupby(owner)}
    found = stations["unit_id"].map(counts).fillna(0).astype("float64")
    said["where"] = both("said.per_unit", level=case.programme.name_of(per))
    answer = judge_units(stations, found, wanted, per.key, said)
    off = found.map(lambda number: max(wanted.low - number, number - wanted.high))
    return replace(answer, value=float(found[off.idxmax()]), unit="count", wanted=wanted, wording="count_per")


def _number(frame: gpd.GeoDataFrame, what: Selector) -> float:
    """Count rows; or the different entries of a column, which may hold several a row."""
    if what.distinct is None:
        return float(len(frame))
    entries = frame[what.distinct].dropna().astype("str").str.split(r"[;,|；，、]").explode().str.strip()
    entries = entries[entries.isin(what.among)] if what.among else entries[entries != ""]
    return float(entries.nunique())


def judge_units(
    units: gpd.GeoDataFrame, found: pd.Series, wanted: Bound, level: str, said: Mapping[str, object]
) -> Answer:
    """Judge units by a number each.

    Parameters
    ----------
    units : GeoDataFrame
        With ``unit_id`` and ``name``.
    found : Series of float
        The number of each.
    wanted : Bound
        What it must be.
    level : str
        Of which level they are.
    said : mapping
        What the sentence says besides.

    Returns
    -------
    Answer
        The share of units that meet the bound; those that do not.

    Raises
    ------
    MissingDataSaid
        If there are none.
    """
    good = found.map(wanted.holds).to_numpy(dtype=bool)
    wrong = units[~good]
    table = pd.DataFrame(
        {"level": level, "unit_id": units["unit_id"], "name": units["name"], "all": found, "met": good}
    ).assign(share=lambda each: each["met"].astype("float64"))
    places = list_places(
        level, wrong.geometry, ids=wrong["unit_id"], names=wrong["name"], values=found[~good].to_numpy(dtype=float)
    )
    texts = {**said, "wrong": f"{len(wrong):,}", "units": f"{len(units):,}"}
    value = float(good.mean()) if len(good) else float("nan")
    if not len(good):
        raise MissingDataSaid("level", level=level)
    return Answer(value, "share", ALL_UNITS, places, texts, table)
