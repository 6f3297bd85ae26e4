"""Whether levels nest: every unit within one unit of the level above, down to groups and people below the grid."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import pandas as pd

from gridgeo.programmes.case import Case
from gridgeo.programmes.count_rules import ALL_UNITS
from gridgeo.programmes.model import GRID_LEVEL, Rule, worded
from gridgeo.programmes.verdicts import Answer, MissingDataSaid, list_places


def judge_nesting(case: Case, rule: Rule) -> Answer:  # noqa: ARG001 - every kind is asked alike
    """Ask whether every unit lies within one unit of the level above, and nowhere else.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``nesting``.

    Returns
    -------
    Answer
        The share of units that do; those that do not.

    Raises
    ------
    MissingDataSaid
        If the plan lacks a level, or does not say to which group people belong, and nothing else is wrong.
    """
    wrong, count, lacking = [], 0, None
    levels = [each.level for each in case.programme.levels]
    for above, below in pairwise(levels):
        try:
            units = case.units(below)
            found = units["unit_id"].map(_count_parents(case, units, below, above)).fillna(0)
        except MissingDataSaid as missing:
            # What can be asked is asked all the same: one unit astray is enough to say that they do not nest.
            lacking = lacking or missing
            continue
        count += len(units)
        lost = units[(found != 1).to_numpy()]
        wrong.append(
            list_places(
                below, lost.geometry, ids=lost["unit_id"], names=lost["name"], values=found[lost.index].to_numpy()
            )
        )
    if lacking is not None and not any(len(each) for each in wrong):
        raise lacking
    if count == 0:
        raise MissingDataSaid("levels")
    places = gpd.GeoDataFrame(pd.concat(wrong, ignore_index=True), crs=case.plan.crs)
    names = " – ".join(str(case.level_name(level)) for level in levels)
    said = {"levels": names, "wrong": len(places), "units": count}
    return Answer(1 - len(places) / count, "share", ALL_UNITS, places, said)


def _count_parents(case: Case, units: gpd.GeoDataFrame, below: str, above: str) -> pd.Series:
    """Count the units of the level above that each unit lies in."""
    ground = {each.level for each in case.plan.info.levels}
    if above not in ground:
        return _count_groups(case, units, above)
    blocks, homes = case.blocks, case.plan.households
    if below == GRID_LEVEL and len(blocks) and f"{above}_id" in blocks:
        # Blocks make a grid what it is.
        return _count_different(blocks, "grid_id", f"{above}_id")
    if below not in ground and units["unit_id"].isin(homes.get(f"{below}_id", pd.Series(dtype="str"))).all():
        return _count_different(homes, f"{below}_id", f"{above}_id")
    parents: pd.Series = units.reindex(columns=[f"{above}_id"]).set_index(units["unit_id"]).notna().sum(axis=1)
    return parents


def _count_different(frame: pd.DataFrame, unit: str, parent: str) -> pd.Series:
    """Count the parents of each unit; a part without one leaves the whole without."""
    parents: pd.Series = frame.groupby(unit)[parent].agg(lambda mine: mine.nunique() if mine.notna().all() else 0)
    return parents


def _count_groups(case: Case, units: gpd.GeoDataFrame, above: str) -> pd.Series:
    """Count the groups that people belong to: the one they name as their station, else that of their household."""
    groups = set(case.units(above)["unit_id"])
    homes = case.plan.households
    column = f"{above}_id"
    named = units["station_id"] if "station_id" in units else pd.Series(None, index=units.index, dtype="str")
    if column in homes and "household_id" in units:
        of_home = units["household_id"].map(homes.drop_duplicates("household_id").set_index("household_id")[column])
        named = named.where(named.isin(groups), of_home)
    if named.isna().all():
        raise MissingDataSaid("column", layer=worded("layer", "people"), column="station_id")
    parents: pd.Series = named.isin(groups).astype("int64").set_axis(units["unit_id"])
    return parents
