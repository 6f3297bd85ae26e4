"""The convenience card (便民卡) of every household: its community's stations and its own grid's worker; its rule."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gridgeo.plan import Plan
from gridgeo.programmes.case import Case
from gridgeo.programmes.model import GRID_LEVEL, Programme, Rule, Selector, worded
from gridgeo.programmes.reach_rules import left_households, share_by_units
from gridgeo.programmes.unit_rules import assigned_units
from gridgeo.programmes.verdicts import Answer, MissingDataSaid, at_least

CARD_COLUMNS = ("household_id", "households", "community", "grid", "grid_code", "worker", "phone", "stations")
"""The columns of a table of cards."""


def make_cards(plan: Plan, programme: Programme) -> pd.DataFrame:
    """Fill in the card of every household.

    Parameters
    ----------
    plan : Plan
        The plan, with grids.
    programme : Programme
        The programme; its rules of kind ``contact`` say of which role the worker is.

    Returns
    -------
    DataFrame
        With `CARD_COLUMNS`, one row a household point; ``worker`` is what ``grids.staff`` says, else the people of
        that role in the grid, by name only where the plan keeps personal columns; ``stations`` are the open stations
        of the household's community, with their services. Empty without a rule of that kind, or without grids.
    """
    role = next((rule["role"] for rule in programme.rules if rule.kind == "contact"), None)
    if role is None or len(plan.grids) == 0:
        return pd.DataFrame(columns=list(CARD_COLUMNS))
    grids = plan.grids.drop_duplicates("grid_id").set_index("grid_id")
    people = _workers(Case(plan, programme), role)
    names = plan.units.drop_duplicates("unit_id").set_index("unit_id")["name"]
    column = _community_column(plan)
    homes = plan.households
    offers = _offers(plan, programme, column)
    staff = homes["grid_id"].map(grids["staff"])
    cards = pd.DataFrame(
        {
            "household_id": homes["household_id"],
            "households": homes["households"],
            "community": homes[column].map(names),
            "grid": homes["grid_id"].map(grids["name"]),
            "grid_code": homes["grid_id"].map(grids["code"]),
            "worker": staff.where(staff.notna() & (staff != ""), homes["grid_id"].map(people["worker"])),
            "phone": homes["grid_id"].map(people["phone"]),
            "stations": homes[column].map(offers),
        }
    )
    return cards.fillna({name: "" for name in CARD_COLUMNS if name != "households"})


def judge_contact(case: Case, rule: Rule) -> Answer:
    """Ask whether every household's card (便民卡) names somebody of its grid to call, and services.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``contact``.

    Returns
    -------
    Answer
        The share of households; those whose card lacks something.
    """
    case.require("grids", "households")
    staffed = set(case.plan.grids.loc[case.plan.grids["staff"].fillna("").str.strip() != "", "grid_id"])
    if len(case.plan.people):
        staffed |= set(assigned_units(case.select(Selector("people", rule["role"])), GRID_LEVEL).dropna())
    if not staffed:
        raise MissingDataSaid("role", role=worded("role", rule["role"]))
    weight = case.weights("households")
    homes = case.plan.households
    good = homes["grid_id"].isin(staffed).to_numpy()
    said = {"role": worded("role", rule["role"]), "lacking": f"{round(weight[~good].sum()):,}"}
    if rule["services"]:
        column = _community_column(case.plan)
        stations = _open_stations(case)
        served = stations.loc[stations["services"].fillna("").str.strip() != "", column]
        offered = homes[column].isin(served.dropna()).to_numpy()
        said["unserved"] = f"{round(weight[~offered].sum()):,}"
        good = good & offered
    value = float(weight[good].sum() / weight.sum())
    places = left_households(case, ~good & (weight > 0), np.full(len(good), np.nan))
    units = share_by_units(case, weight, good)
    wording = "contact_services" if rule["services"] else "contact"
    return Answer(value, "share", at_least(rule["least"]), places, said, units, wording=wording)


def _workers(case: Case, role: str) -> pd.DataFrame:
    """List the people of a role by grid, with their telephones where the plan keeps them."""
    if len(case.plan.people) == 0:
        return pd.DataFrame({"worker": [], "phone": []}, dtype="str")
    mine = case.select(Selector("people", role))
    shown = mine.reindex(columns=["person_id", "name", "phone"])
    shown = shown.assign(worker=shown["name"].where(shown["name"].notna(), shown["person_id"]))
    by_grid = shown.groupby(assigned_units(mine, GRID_LEVEL))[["worker", "phone"]]
    joined: pd.DataFrame = by_grid.agg(lambda entries: "、".join(entries.dropna().astype("str")))
    return joined


def _community_column(plan: Plan) -> str:
    """Name the column of the level above the grids; of the grids themselves where there is none."""
    return f"{plan.info.levels[-2].level}_id" if len(plan.info.levels) > 1 else "grid_id"


def _open_stations(case: Case) -> pd.DataFrame:
    """List the open stations with their units: a closed one stands on no card and counts for no rule."""
    stations = case.placed("stations")
    return pd.DataFrame(stations[stations["open"]])


def _offers(plan: Plan, programme: Programme, column: str) -> pd.Series:
    """Word the open stations of each unit, with what they offer."""
    if len(plan.stations) == 0:
        return pd.Series([], dtype="str")
    stations = _open_stations(Case(plan, programme))
    services = stations["services"].fillna("")
    words = stations["name"].fillna(stations["station_id"]) + services.map(lambda said: f"（{said}）" if said else "")
    joined: pd.Series = words.groupby(stations[column]).agg("、".join)
    return joined
