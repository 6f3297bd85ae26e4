"""Rules about units and what they hold: counts, staffing, bands, nesting, attachments, borders, cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.blocks.edges import GREAT_CLASSES, MAIN_CLASSES, find_edges
from gridgeo.plan import Name
from gridgeo.programmes.case import Case
from gridgeo.programmes.model import GRID_LEVEL, Bound, Post, Rule, Selector, both, join_names, worded
from gridgeo.programmes.reach_rules import left_households, share_by_units
from gridgeo.programmes.verdicts import Answer, MissingDataSaid, at_least, list_places, no_places

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
    if per is None or per.layer == "station":
        others = 1 if per is None else len(case.select(per))
        if per is not None and others == 0:
            raise MissingDataSaid("provider", what=case.programme.name_of(per))
        value = _number(frame, what) / others
        where = both("said.whole") if per is None else both("said.per_unit", level=case.programme.name_of(per))
        nothing = no_places(case.plan.crs)
        return Answer(value, "count", rule["number"], nothing, {**said, "where": where})
    units = case.units(per.key)
    frame = case.located(frame)
    column = f"{per.key}_id"
    if column not in frame:
        raise MissingDataSaid("level", level=case.level_name(per.key))
    found = units["unit_id"].map({key: _number(mine, what) for key, mine in frame.groupby(column)}).fillna(0)
    said["where"] = both("said.per_unit", level=case.level_name(per.key))
    return replace(_by_unit(units, found, rule["number"], per.key, said), wording="count_per")


def _number(frame: gpd.GeoDataFrame, what: Selector) -> float:
    """Count rows; or the different entries of a column, which may hold several a row."""
    if what.distinct is None:
        return float(len(frame))
    entries = frame[what.distinct].dropna().astype("str").str.split(r"[;,|；，、]").explode().str.strip()
    return float(entries[entries != ""].nunique())


def _by_unit(
    units: gpd.GeoDataFrame, found: pd.Series, wanted: Bound, level: str, said: Mapping[str, object]
) -> Answer:
    """Judge units by a number each: the share that meet the bound, and those that do not."""
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
    answer = _by_unit(units, good.astype("float64"), Bound(1.0, 1.0), rule["level"], {"where": "", "posts": wanted})
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
    answer = _by_unit(grids, found, wanted, GRID_LEVEL, said)
    places = answer.places.assign(households=answer.places["value"])
    return Answer(answer.value, "share", ALL_UNITS, places, answer.said, answer.units)


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
    """
    ground = {each.level for each in case.plan.info.levels}
    levels = [each.level for each in case.programme.levels if each.level in ground]
    wrong, count = [], 0
    for above, below in pairwise(levels):
        units = case.units(below)
        count += len(units)
        found = units["unit_id"].map(_parents(case, units, below, above)).fillna(0)
        lost = units[(found != 1).to_numpy()]
        wrong.append(
            list_places(
                below, lost.geometry, ids=lost["unit_id"], names=lost["name"], values=found[lost.index].to_numpy()
            )
        )
    if count == 0:
        raise MissingDataSaid("levels")
    places = gpd.GeoDataFrame(pd.concat(wrong, ignore_index=True), crs=case.plan.crs)
    names = " – ".join(str(case.level_name(level)) for level in levels)
    said = {"levels": names, "wrong": len(places), "units": count}
    return Answer(1 - len(places) / count, "share", ALL_UNITS, places, said)


def _parents(case: Case, units: gpd.GeoDataFrame, below: str, above: str) -> pd.Series:
    """Count the units of the level above that each unit lies in: by its blocks, which make it what it is."""
    told: pd.Series = units.reindex(columns=[f"{above}_id"]).set_index(units["unit_id"]).notna().sum(axis=1)
    blocks = case.blocks
    if below != GRID_LEVEL or blocks.empty or f"{above}_id" not in blocks:
        return told
    parents: pd.Series = blocks.groupby("grid_id")[f"{above}_id"].agg(
        lambda mine: mine.nunique() if mine.notna().all() else 0
    )
    return parents


def judge_attached(case: Case, rule: Rule) -> Answer:
    """Ask whether every shop, office or area belongs to a grid: of a kind, or with somebody of a role.

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
    good = frame["grid_id"].isin(grids["grid_id"]).to_numpy()
    wrong = frame[~good]
    names = wrong.get("name")
    places = list_places(_PLURAL.get(what.layer, what.layer), wrong.geometry, ids=wrong.iloc[:, 0], names=names)
    kind = worded("grid_kind", rule["grid_kind"] or "any")
    said = {"what": label, "wrong": len(wrong), "count": len(frame), "kind": kind}
    if rule["role"] is not None:
        said["role"] = worded("role", rule["role"])
    wording = "attached" if rule["role"] is None else "attached_role"
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


def judge_contact(case: Case, rule: Rule) -> Answer:
    """Ask whether every household has somebody of its grid to call: what the convenience card (便民卡) says.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``contact``.

    Returns
    -------
    Answer
        The share of households; those without.
    """
    case.require("grids", "households")
    staffed = set(case.plan.grids.loc[case.plan.grids["staff"].fillna("").str.strip() != "", "grid_id"])
    if len(case.plan.people):
        staffed |= set(assigned_units(case.select(Selector("people", rule["role"])), GRID_LEVEL).dropna())
    if not staffed:
        raise MissingDataSaid("role", role=worded("role", rule["role"]))
    weight = case.weights("households")
    good = case.plan.households["grid_id"].isin(staffed).to_numpy()
    value = float(weight[good].sum() / weight.sum())
    places = left_households(case, ~good & (weight > 0), np.full(len(good), np.nan))
    said = {"role": worded("role", rule["role"]), "lacking": f"{round(weight[~good].sum()):,}"}
    return Answer(value, "share", at_least(rule["least"]), places, said, share_by_units(case, weight, good))


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
