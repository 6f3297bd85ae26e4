"""Rules about units and what they hold: staffing, bands, attachments, borders, layers; and what stations offer."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.blocks.edges import GREAT_CLASSES, MAIN_CLASSES, find_edges
from gridgeo.plan import Name
from gridgeo.programmes.case import Case
from gridgeo.programmes.count_rules import ALL_UNITS, judge_units
from gridgeo.programmes.model import GRID_LEVEL, Bound, Post, Rule, Selector, both, join_names, worded
from gridgeo.programmes.verdicts import Answer, MissingDataSaid, at_least, list_places, no_places


def judge_attribute(case: Case, rule: Rule) -> Answer:
    """Ask whether every station of a kind is as large as it must be: floor area, rooms, capacity.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``attribute``.

    Returns
    -------
    Answer
        The least number; the stations that fall short.
    """
    selector = Selector("station", rule["station"])
    frame = case.providers(selector)
    label = case.programme.name_of(selector)
    if rule["column"] not in frame:
        raise MissingDataSaid("column", layer=label, column=rule["column"])
    numbers = pd.to_numeric(frame[rule["column"]], errors="coerce")
    if numbers.isna().any():
        raise MissingDataSaid("column", layer=label, column=rule["column"])
    wanted: Bound = rule["number"]
    wrong = ~numbers.map(wanted.holds).to_numpy(dtype=bool)
    worst = float(numbers[wrong].iloc[0]) if wrong.any() else float(numbers.min())
    places = _stations(frame[wrong], numbers[wrong])
    said = {"what": label, "label": worded("column", rule["column"])}
    return Answer(worst, "count", wanted, places, said)


def judge_offers(case: Case, rule: Rule) -> Answer:
    """Ask whether every station of a kind offers all services it should.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``offers``.

    Returns
    -------
    Answer
        The share of the services that all of them offer; the stations that lack one.
    """
    selector = Selector("station", rule["station"])
    frame = case.providers(selector)
    ids = {
        name: set(case.select(Selector("service", name))["station_id"]) & set(frame["station_id"])
        for name in rule["services"]
    }
    lacking = [name for name in rule["services"] if len(ids[name]) < len(frame)]
    wrong = frame[~frame["station_id"].isin(set.intersection(*ids.values()))]
    said = {
        "what": case.programme.name_of(selector),
        "lacking": join_names(case.programme.name_of(Selector("service", name)) for name in lacking),
    }
    value = 1 - len(lacking) / len(rule["services"])
    return Answer(value, "share", ALL_UNITS, _stations(wrong, np.nan), said)


def _stations(frame: gpd.GeoDataFrame, values: object) -> gpd.GeoDataFrame:
    return list_places("stations", frame.geometry, ids=frame["station_id"], names=frame["name"], values=values)


def judge_staffing(case: Case, rule: Rule) -> Answer:
    """Ask whether every unit of a level has the people it should (1+2+X).

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``staffing``.

    Returns
    -------
    Answer
        The share of units that have; those that have not.
    """
    units = case.units(rule["level"])
    people = case.placed("people") if len(case.plan.people) else case.select(Selector("people", "*"))
    posts: tuple[Post, ...] = rule["staff"]
    for post in posts:
        if post.time is not None and people["time"].isna().all():
            raise MissingDataSaid("column", layer=worded("layer", "people"), column="time")
        if post.role is not None and not (people["role"] == post.role).any():
            raise MissingDataSaid("role", role=worded("role", post.role))
    unit = assigned_units(people, rule["level"])
    counts = {}
    for post in posts:
        mine = pd.Series(data=True, index=people.index)
        for column in ("role", "time"):
            if getattr(post, column) is not None:
                mine &= people[column] == getattr(post, column)
        counts[post] = units["unit_id"].map(unit[mine].value_counts()).fillna(0)
    good = pd.DataFrame({number: counts[post].map(post.number.holds) for number, post in enumerate(posts)}).all(axis=1)
    wanted = join_names(_post_name(post) for post in posts)
    answer = judge_units(units, good.astype("float64"), Bound(1.0, 1.0), rule["level"], {"where": "", "posts": wanted})
    named = {f"post_{number}": counts[post] for number, post in enumerate(posts)}
    said = {**answer.said, "where": both("said.per_unit", level=case.level_name(rule["level"]))}
    return Answer(answer.value, "share", ALL_UNITS, answer.places, said, answer.units.assign(**named))


def _post_name(post: Post) -> Name:
    word = worded("time", post.time) if post.time is not None else worded("role", str(post.role))
    return Name(f"{word.zh} {post.number}", f"{word.en} {post.number}")


def assigned_units(people: gpd.GeoDataFrame, level: str) -> pd.Series:
    """Return the unit of a level that each works for.

    Parameters
    ----------
    people : GeoDataFrame
        People with their places, see `gridgeo.positions.place_layer`.
    level : str
        The level.

    Returns
    -------
    Series of str
        The unit that the table names, of whatever level; else the one they stand in.
    """
    first, second = ("grid_id", "unit_id") if level == GRID_LEVEL else ("unit_id", "grid_id")
    told = people[first].where(people[first].notna(), people[second])
    column = f"{level}_id"
    assigned: pd.Series = told.where(told.notna(), people.get(column))
    return assigned


def judge_band(case: Case, rule: Rule) -> Answer:
    """Ask whether every grid of a kind holds as many households as it may.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``band``.

    Returns
    -------
    Answer
        The share of grids that do; those that do not.
    """
    case.require("households")
    grids = case.units(GRID_LEVEL)
    grids = grids[(grids["grid_kind"] == rule["grid_kind"])].reset_index(drop=True)
    if grids.empty:
        raise MissingDataSaid("grid_kind", kind=worded("grid_kind", rule["grid_kind"]))
    held = case.plan.households.groupby("grid_id")["households"].sum()
    found = grids["unit_id"].map(held).fillna(0)
    wanted = rule["households"] or case.programme.households
    said = {"kind": worded("grid_kind", rule["grid_kind"]), "band": str(wanted)}
    answer = judge_units(grids, found, wanted, GRID_LEVEL, said)
    places = answer.places.assign(households=answer.places["value"])
    return Answer(answer.value, "share", ALL_UNITS, places, answer.said, answer.units)


def judge_attached(case: Case, rule: Rule) -> Answer:
    """Ask whether every shop, office or area belongs to a grid: of a kind, with somebody of a role, or with a station.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``attached``.

    Returns
    -------
    Answer
        The share that does; those that do not.
    """
    case.require("grids")
    what: Selector = rule["what"]
    frame = case.select(what)
    label = case.programme.name_of(what)
    if frame.empty:
        raise MissingDataSaid("provider", what=label)
    frame = case.located(frame)
    grids = case.plan.grids
    if rule["grid_kind"] is not None:
        grids = grids[grids["grid_kind"] == rule["grid_kind"]]
    if rule["role"] is not None:
        people = case.select(Selector("people", rule["role"]))
        if people.empty:
            raise MissingDataSaid("role", role=worded("role", rule["role"]))
        grids = grids[grids["grid_id"].isin(assigned_units(people, GRID_LEVEL))]
    if rule["station"] is not None:
        stations = case.select(Selector("station", rule["station"]))
        grids = grids[grids["grid_id"].isin(case.located(stations)["grid_id"])]
    good = frame["grid_id"].isin(grids["grid_id"]).to_numpy()
    wrong = frame[~good]
    names = wrong.get("name")
    places = list_places(_PLURAL.get(what.layer, what.layer), wrong.geometry, ids=wrong.iloc[:, 0], names=names)
    kind = worded("grid_kind", rule["grid_kind"] or "any")
    said = {"what": label, "wrong": len(wrong), "count": len(frame), "kind": kind}
    having = [worded("role", rule["role"])] if rule["role"] is not None else []
    if rule["station"] is not None:
        having.append(case.programme.name_of(Selector("station", rule["station"])))
    said["having"] = join_names(having)
    wording = "attached_to" if having else "attached"
    return Answer(float(good.mean()), "share", at_least(rule["least"]), places, said, wording=wording)


_PLURAL = {"station": "stations", "enterprise": "enterprises", "need": "needs"}


def judge_streets(case: Case, rule: Rule) -> Answer:
    """Ask how much of the borders between grids runs along main streets, railways and water.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``streets``.

    Returns
    -------
    Answer
        The share of the length; the borders that run elsewhere.
    """
    case.require("blocks", "grids", "streets")
    blocks = case.plan.blocks
    edges = find_edges(blocks, case.plan.streets, case.plan.barriers)
    grid = blocks.set_index("block_id")["grid_id"]
    one, other = edges["block_a"].map(grid), edges["block_b"].map(grid)
    borders = edges[edges["block_b"].notna().to_numpy() & (one != other).to_numpy()]
    if borders.empty:
        raise MissingDataSaid("borders")
    classes = MAIN_CLASSES if rule["classes"] == "main" else GREAT_CLASSES
    along = borders["street_class"].isin(classes) | borders["edge_kind"].isin(("railway", "water", "expressway"))
    length = borders["length_m"].to_numpy(dtype=np.float64)
    value = float(length[along.to_numpy()].sum() / length.sum())
    wrong = borders[~along]
    lines = gpd.GeoSeries(wrong.geometry.to_numpy(), crs=case.plan.crs)
    ids = wrong["block_a"].astype("str") + " | " + wrong["block_b"].astype("str")
    places = list_places("borders", lines, ids=ids, values=wrong["length_m"])
    said = {"length": f"{length.sum() / 1000:,.1f}", "classes": worded("street_rank", rule["classes"])}
    return Answer(value, "share", at_least(rule["least"]), places, said)


def judge_layers(case: Case, rule: Rule) -> Answer:
    """Ask whether the plan holds what must be on one map.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``layers``.

    Returns
    -------
    Answer
        The share of the layers that it holds.
    """
    lacking = [layer for layer in rule["layers"] if len(getattr(case.plan, layer)) == 0]
    value = 1 - len(lacking) / len(rule["layers"])
    said = {"lacking": join_names(worded("layer", layer) for layer in lacking)}
    return Answer(value, "share", ALL_UNITS, no_places(case.plan.crs), said)
