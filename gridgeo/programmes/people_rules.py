"""Rules about people: needs and who meets them, households in care, visits made, rooms shared."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridgeo.matching import assign_members, match_needs
from gridgeo.programmes.case import Case
from gridgeo.programmes.model import Radius, Rule, Selector, worded
from gridgeo.programmes.reach_rules import left_households, share_by_units
from gridgeo.programmes.verdicts import Answer, MissingDataSaid, at_least, list_places
from gridgeo.sharing import share_rooms
from gridgeo.visits import assess_visits

_NEIGHBOURHOOD = Radius(1000.0)
"""How far somebody goes who is not told how far: about a quarter of an hour."""


def judge_matching(case: Case, rule: Rule) -> Answer:
    """Ask which share of the open needs finds a volunteer of its kind near enough.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``matching``.

    Returns
    -------
    Answer
        The share; the needs that stay unmet.
    """
    case.require("needs", "people")
    needs, people = case.placed("needs"), case.placed("people")
    needs = needs[needs["status"] == "open"]
    if rule["need"] is not None:
        needs = needs[needs["need_kind"] == rule["need"]]
    if needs.empty:
        raise MissingDataSaid("open_needs")
    if not (people["role"] == rule["role"]).any():
        raise MissingDataSaid("role", role=worded("role", rule["role"]))
    radius: Radius = rule["radius"]
    found = match_needs(case.network, needs, people, cutoff_m=radius.metres, role=rule["role"])
    unmet = needs[needs["need_id"].isin(found.unmet["need_id"])]
    reasons = found.unmet["reason"].value_counts()
    said = {
        "role": worded("role", rule["role"]),
        "radius": radius,
        "needs": f"{found.summary['needs']:,}",
        "unmet": f"{found.summary['unmet']:,}",
        **{name: int(reasons.get(name, 0)) for name in ("no_kind", "no_position", "out_of_reach", "all_full")},
    }
    places = list_places("needs", unmet.geometry, ids=unmet["need_id"], names=unmet["need_kind"])
    value = float(found.summary["met_share"])
    by_kind = pd.DataFrame(
        {
            "all": found.matches.groupby("need_kind").size().add(found.unmet.groupby("need_kind").size(), fill_value=0),
            "met": found.matches.groupby("need_kind").size(),
        }
    ).fillna(0)
    units = by_kind.reset_index(names="unit_id").assign(level="need_kind", share=lambda each: each["met"] / each["all"])
    units = units.assign(name=units["unit_id"])[["level", "unit_id", "name", "all", "met", "share"]]
    pairs = found.matches.rename(columns={"need_id": "asker"}).assign(households=np.nan)
    return Answer(value, "share", at_least(rule["least"]), places, said, units, pairs=pairs)


def judge_care(case: Case, rule: Rule) -> Answer:
    """Ask which share of the households is in care of a named member, none taking more than the limit.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``care``.

    Returns
    -------
    Answer
        The share; the households that stay without.
    """
    case.require("people", "households")
    people = case.placed("people")
    if not (people["role"] == rule["role"]).any():
        raise MissingDataSaid("role", role=worded("role", rule["role"]))
    radius: Radius = rule["radius"] or _NEIGHBOURHOOD
    found = assign_members(
        case.network,
        case.plan.households,
        people,
        limit=rule["limit"],
        cutoff_m=radius.metres,
        role=rule["role"],
        within=rule["own"],
    )
    weight = case.weights("households")
    left = found.left.groupby("household_id")["households"].sum()
    lacking = case.plan.households["household_id"].map(left).fillna(0).to_numpy(dtype=np.float64)
    value = float(found.summary["in_care"] / found.summary["households"])
    places = left_households(case, lacking > 0, np.full(len(lacking), np.nan))
    places = places.assign(households=lacking[lacking > 0])
    said = {
        "role": worded("role", rule["role"]),
        "members": f"{found.summary['members']:,}",
        "largest": f"{found.summary['largest_load']:,}",
        "lacking": f"{round(lacking.sum()):,}",
        "radius": radius,
    }
    units = share_by_units(case, weight, weight > 0).assign(met=0.0)
    kept = pd.DataFrame({"kept": weight - lacking, "all": weight})
    for level in units["level"].unique():
        sums = kept.groupby(case.plan.households[f"{level}_id"].to_numpy())["kept"].sum()
        rows = units["level"] == level
        units.loc[rows, "met"] = units.loc[rows, "unit_id"].map(sums).to_numpy()
    units = units.assign(share=units["met"] / units["all"])
    pairs = found.assignments.rename(columns={"household_id": "asker"})
    return Answer(value, "share", at_least(rule["least"]), places, said, units, pairs=pairs)


def judge_visits(case: Case, rule: Rule) -> Answer:
    """Ask how many households, or enterprises, were visited in a month.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``visits``.

    Returns
    -------
    Answer
        The number, or the share; who is left.
    """
    case.require("visits", rule["of"])
    month = rule["month"] or str(case.plan.visits["date"].dropna().max())[:7]
    found = assess_visits(case.plan, month=month, of=rule["of"])
    whole = found.summary().iloc[0]
    total, done = float(whole[rule["of"]]), float(whole["visited"])
    key = "household_id" if rule["of"] == "households" else "enterprise_id"
    left = found.left
    count = left.get("left", 1)
    names = left.get("name")
    places = list_places(rule["of"], left.geometry, ids=left[key], names=names, households=count, values=count)
    level = rule["level"] or case.plan.info.levels[-2].level
    table = found.summary(by=level)
    names = case.units(level).drop_duplicates("unit_id").set_index("unit_id")["name"].reindex(table.index)
    units = pd.DataFrame(
        {
            "level": level,
            "unit_id": table.index.astype("str"),
            "name": names.where(names.notna(), "–").to_numpy(),
            "all": table[rule["of"]].to_numpy(dtype=np.float64),
            "met": table["visited"].to_numpy(dtype=np.float64),
            "share": table["rate"].to_numpy(dtype=np.float64),
        }
    )
    said = {
        "things": worded("layer", rule["of"]),
        "month_said": month,
        "done": f"{round(done):,}",
        "all": f"{round(total):,}",
        "left": f"{round(total - done):,}",
    }
    if rule["number"] is not None:
        return Answer(done, "count", rule["number"], places, said, units)
    wanted = at_least(rule["least"] if rule["least"] is not None else 1.0)
    return Answer(done / total if total else float("nan"), "share", wanted, places, said, units)


def judge_met(case: Case, rule: Rule) -> Answer:
    """Ask which share of the needs, or wishes, has been met.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``met``.

    Returns
    -------
    Answer
        The share; those still open.
    """
    needs = case.select(Selector("need", rule["need"] or "*"))
    if needs.empty:
        raise MissingDataSaid("provider", what=worded("role", rule["need"] or "need"))
    good = (needs["status"] == "met").to_numpy()
    still = needs[~good]
    places = list_places("needs", still.geometry, ids=still["need_id"], names=still["need_kind"])
    said = {"what": worded("role", rule["need"] or "need"), "open": f"{len(still):,}", "all": f"{len(needs):,}"}
    return Answer(float(good.mean()), "share", at_least(rule["least"]), places, said)


def judge_shared(case: Case, rule: Rule) -> Answer:
    """Ask which share of the places that stations stand in is used by several bodies.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``shared``.

    Returns
    -------
    Answer
        The share of the stations that share their room; those that have one of their own.
    """
    stations = case.providers(rule["to"])
    if stations["body"].isna().all():
        raise MissingDataSaid("column", layer=worded("layer", "stations"), column="body")
    rooms = share_rooms(stations)
    ids = {
        name.strip() for each in rooms["station_ids"] for name in (each.split(";") if isinstance(each, str) else each)
    }
    good = stations["station_id"].isin(ids).to_numpy()
    alone = stations[~good]
    places = list_places("stations", alone.geometry, ids=alone["station_id"], names=alone["name"])
    said = {"what": case.programme.name_of(rule["to"]), "rooms": len(rooms), "alone": len(alone)}
    return Answer(float(good.mean()), "share", at_least(rule["least"]), places, said)
