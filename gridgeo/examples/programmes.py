"""The tables of the five programmes, at the sizes they name themselves."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.examples.tables import SOURCE, Dice, counts_near, join, number
from gridgeo.network.measure import Floats
from gridgeo.partition import partition_grids
from gridgeo.plan import Plan, locate_in_units

SERVICE_KINDS = ("housekeeping", "sport", "arts", "gardening", "medical", "special")
"""Gutang's six volunteer teams."""

DUTIES = ("information", "hazards", "disputes", "policy", "services", "visits", "environment", "members", "emergencies")
"""Nine duties of a grid head."""

_OFFERED = "government_affairs;information;mediation"
"""What a grid station offers."""

_MONTH = "2026-10"
_PERSONS_PER_HOUSEHOLD = 2.31
_CARE_LIMIT = 15


def add_gutang(plan: Plan, dice: Dice) -> Plan:
    """Gutang: four levels of stations, staff by area, three lists, a month's visits.

    Parameters
    ----------
    plan : Plan
        The plan.
    dice : Dice
        Its draws.

    Returns
    -------
    Plan
        The plan with the tables.
    """
    levels = [level.level for level in plan.info.levels]
    area = _area_level(plan)
    kinds = {"area_station": area, "community_station": levels[-2], "grid_station": levels[-1]}
    top = plan.units.loc[plan.units["level"] == levels[0], "unit_id"].iloc[0]
    sets = [_stations(dice, "hub", levels[0], [dice.middle_of(levels[0], top)], ["街道"])]
    for kind, level in kinds.items():
        units = dice.units(level)
        sets.append(_stations(dice, kind, level, [dice.middle_of(level, unit) for unit in units], units))
    areas = dice.units(area)
    talents = _people(dice, "T", "talent", 310, kinds=dice.pick(SERVICE_KINDS, 310), unit_level=area)
    volunteers = _people(dice, "V", "volunteer", 451, kinds=_each_kind(dice, 451), unit_level=area)
    volunteers["capacity"] = dice.random.integers(1, 4, len(volunteers)).astype(np.float64)
    teams = [(unit, time) for unit in areas for time in ("full", "seconded", "seconded", "part", "part")]
    staff = dice.frame(
        [None] * len(teams),
        person_id=number("S", len(teams)),
        role="staff",
        unit_id=[unit for unit, _ in teams],
        time=[time for _, time in teams],
    )
    homes = dice.homes(206)
    needs = dice.frame(
        dice.beside(homes),
        need_id=number("N", 206),
        need_kind=_each_kind(dice, 206),
        date=[f"{_MONTH}-{day:02}" for day in dice.random.integers(1, 32, 206)],
        household_id=plan.households["household_id"].to_numpy()[homes],
        unit_id=plan.households[f"{area}_id"].to_numpy()[homes],
    )
    shops = dice.homes(120)
    enterprises = dice.frame(
        dice.beside(shops), enterprise_id=number("E", 120), name=number("示例企业", 120), enterprise_kind="company"
    )
    visits = pd.concat([_home_visits(dice, 4215), _enterprise_visits(dice, enterprises, 98)], ignore_index=True)
    return plan.replace(
        stations=join(sets),
        people=join([talents, volunteers, staff]),
        needs=needs,
        enterprises=enterprises,
        visits=visits,
    )


def add_tinghu(plan: Plan, dice: Dice) -> Plan:
    """Tinghu: branches and building groups in every grid, heads and secretaries, member households, staff for cards.

    Parameters
    ----------
    plan : Plan
        The plan.
    dice : Dice
        Its draws.

    Returns
    -------
    Plan
        The plan with the tables.
    """
    grid = plan.info.levels[-1].level
    sets = []
    for kind, level, count in (("branch", grid, 268), ("building_group", "building_group", 1030)):
        units = dice.share_out(grid, count)
        sets.append(_stations(dice, kind, level, dice.places_in(grid, units), units))
    grids = dice.units(grid)
    posts = [dice.middle_of(grid, each) for each in grids]
    sets.append(_stations(dice, "grid_station", grid, posts, grids, services=_OFFERED))
    heads = dice.frame(
        posts, person_id=number("H", len(grids)), role="grid_head", grid_id=grids, kinds=";".join(DUTIES), time="full"
    )
    secretaries = dice.frame(posts, person_id=number("B", len(grids)), role="branch_secretary", grid_id=grids)
    doors = [unit for unit in dice.share_out(grid, 1030) if len(dice.living_in(grid, unit))]
    rows = np.array([dice.homes(1, dice.living_in(grid, unit))[0] for unit in doors], dtype=np.int64)
    centres = dice.frame(
        plan.households.geometry.to_numpy()[rows].tolist(),
        person_id=number("C", len(rows)),
        role="centre_household",
        grid_id=doors,
        station_id=_take_turns(sets[1], doors),
        household_id=plan.households["household_id"].to_numpy()[rows],
    )
    kinds = ["office"] * 60 + ["market"] * 12
    enterprises = dice.frame(
        dice.beside(dice.homes(72)), enterprise_id=number("E", 72), name=number("示例单位", 72), enterprise_kind=kinds
    )
    return plan.replace(
        stations=join(sets),
        people=join([heads, secretaries, centres]),
        enterprises=enterprises,
        grids=plan.grids.assign(staff=[f"网格员 {each}" for each in plan.grids["grid_id"]]),
    )


def add_dafeng(plan: Plan, dice: Dice) -> Plan:
    """Dafeng: a hub and fifteen stations of several bodies, some in one room, services for groups, 2,600 volunteers.

    Parameters
    ----------
    plan : Plan
        The plan.
    dice : Dice
        Its draws.

    Returns
    -------
    Plan
        The plan with the tables.
    """
    top, community = plan.info.levels[0].level, plan.info.levels[-2].level
    middle = dice.middle_of(top, plan.units.loc[plan.units["level"] == top, "unit_id"].iloc[0])
    spots = dice.beside(dice.homes(19))
    rooms = "library;seniors_room;aid_studio;rehabilitation;childrens_home;womens_space"
    sets = [
        _stations(dice, "hub", top, [middle], ["街道办"], services=rooms).assign(area_m2=1200.0),
        _stations(dice, "estate_centre", community, spots[:2], ["物业甲", "物业乙"], services="seniors_room;library"),
        _stations(dice, "home_care", top, spots[2:3], ["民政"], services="home_care"),
        _stations(dice, "volunteer_base", top, spots[3:5], ["大学甲", "大学乙"], services="library"),
    ]
    # Five of the fifteen stand in a room that another body runs.
    places = [middle, *spots[:4], *spots[5:15]]
    bodies = dice.pick(("民政", "妇联", "残联", "工会", "团委"), 15)
    offered = ["seniors_room;home_care", "childrens_home", "rehabilitation", "aid_studio", "womens_space"] * 3
    sets.append(_stations(dice, "volunteer_station", community, places, bodies, services=offered))
    stations = join(sets)
    posts = stations.loc[stations["station_kind"] == "volunteer_station", "station_id"].tolist()
    volunteers = dice.frame(
        [None] * 2600,
        person_id=number("V", 2600),
        role="volunteer",
        kinds=_each_kind(dice, 2600),
        station_id=dice.pick(posts, 2600),
    )
    return plan.replace(households=_groups(plan), stations=stations, people=volunteers)


def add_nanwan(plan: Plan, dice: Dice) -> Plan:
    """Nanwan: volunteer stations, units at three levels, 1,600 members, wish walls and wishes.

    Parameters
    ----------
    plan : Plan
        The plan.
    dice : Dice
        Its draws.

    Returns
    -------
    Plan
        The plan with the tables.
    """
    top, community, grid = plan.info.levels[0].level, plan.info.levels[-2].level, plan.info.levels[-1].level
    units = dice.share_out(grid, 101)
    small = dice.share_out(grid, max(100, len(plan.grids)))
    sets = [
        _stations(dice, "volunteer_station", grid, dice.places_in(grid, units), units),
        _stations(dice, "organisation", top, dice.beside(dice.homes(25)), number("大队", 25)),
        _stations(dice, "organisation", community, dice.beside(dice.homes(30)), number("中队", 30)),
        _stations(dice, "organisation", grid, dice.places_in(grid, small), number("小队", len(small))),
    ]
    places = dice.units(community)
    sets += [
        _stations(dice, kind, community, dice.places_in(community, places), places)
        for kind in ("wish_wall", "talking_bar")
    ]
    homes = dice.homes(620)
    met = np.arange(620) < round(620 * 0.981)
    day = dice.random.integers(1, 29, 620)
    wishes = dice.frame(
        dice.beside(homes),
        need_id=number("N", 620),
        need_kind="wish",
        status=np.where(met, "met", "open"),
        date=[f"2026-09-{each:02}" for each in day],
        met_date=[f"{_MONTH}-{each:02}" if done else None for each, done in zip(day, met, strict=True)],
        household_id=plan.households["household_id"].to_numpy()[homes],
    )
    members = _people(dice, "M", "member", 1600, kinds=_each_kind(dice, 1600))
    return plan.replace(stations=join(sets), people=members, needs=wishes)


def add_tashan(plan: Plan, dice: Dice) -> Plan:
    """Tashan: a branch in each grid, stairwell groups, members with a limit, shops.

    Parameters
    ----------
    plan : Plan
        The plan.
    dice : Dice
        Its draws.

    Returns
    -------
    Plan
        The plan with the tables.
    """
    community, grid = plan.info.levels[-2].level, plan.info.levels[-1].level
    grids = dice.units(grid)
    held = plan.households.groupby(f"{grid}_id")["households"].sum().reindex(grids, fill_value=0)
    posts = [dice.middle_of(grid, each) for each in grids]
    stairs = dice.share_out(grid, max(len(grids), round(int(held.sum()) / 40)))
    place = dice.units(community)[0]
    yard = _stations(dice, "courtyard", community, [dice.middle_of(community, place)], [place])
    sets = [
        _stations(dice, "branch", grid, posts, grids),
        _stations(dice, "stairwell_group", "stairwell", dice.places_in(grid, stairs), stairs),
        yard.assign(area_m2=800.0, rooms=8),
    ]
    team = [each for each, homes in held.items() for _ in range(1 + int(np.ceil(homes / (_CARE_LIMIT - 1))))]
    members = dice.frame(
        dice.places_in(grid, [str(each) for each in team]),
        person_id=number("M", len(team)),
        role="member",
        grid_id=team,
        station_id=_take_turns(sets[1], team),
        capacity=float(_CARE_LIMIT),
    )
    return plan.replace(stations=join(sets), people=members, enterprises=_shops(plan, dice))


def _area_level(plan: Plan) -> str:
    """Return the level of the areas; in a plan without, the one above the grids."""
    levels = [level.level for level in plan.info.levels]
    return "area" if "area" in levels else levels[-2]


def _stations(
    dice: Dice,
    kind: str,
    level: str,
    points: list[shapely.Point],
    bodies: list[str],
    *,
    services: str | list[str] | None = None,
) -> gpd.GeoDataFrame:
    ids = number(f"{kind}-{level}-", len(points))
    named = [f"示例 {each}" for each in ids]
    return dice.frame(
        points, station_id=ids, name=named, station_kind=kind, level=level, services=services, body=bodies
    )


def _take_turns(groups: gpd.GeoDataFrame, units: list[str]) -> list[str]:
    """Share people out among the groups of the unit that each is of; a group's ``body`` is its unit."""
    known = {unit: mine["station_id"].tolist() for unit, mine in groups.groupby("body")}
    turn = pd.Series(units, dtype="str").groupby(units).cumcount()
    return [known[unit][at % len(known[unit])] for unit, at in zip(units, turn, strict=True)]


def _people(
    dice: Dice, prefix: str, role: str, count: int, *, kinds: list[str], unit_level: str | None = None
) -> gpd.GeoDataFrame:
    homes = dice.homes(count)
    unit = None if unit_level is None else dice.plan.households[f"{unit_level}_id"].to_numpy()[homes]
    return dice.frame(dice.beside(homes), person_id=number(prefix, count), role=role, kinds=kinds, unit_id=unit)


def _each_kind(dice: Dice, count: int) -> list[str]:
    """Draw kinds of service, each at least once where there are enough."""
    return [*SERVICE_KINDS[:count], *dice.pick(SERVICE_KINDS, max(count - len(SERVICE_KINDS), 0))]


def _home_visits(dice: Dice, count: int) -> pd.DataFrame:
    """Visit so many different households, and a tenth of them twice."""
    households = dice.plan.households
    counts = households["households"].to_numpy()
    point = np.repeat(np.arange(len(counts)), counts)
    door = np.arange(len(point)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    drawn = dice.random.permutation(len(point))[: min(count, len(point))]
    again = drawn[: len(drawn) // 10]
    every = np.concatenate([drawn, again])
    day = dice.random.integers(1, 32, len(every))
    return dice.table(
        visit_id=number("W", len(every)),
        date=[f"{_MONTH}-{each:02}" for each in day],
        household_id=households["household_id"].to_numpy()[point[every]],
        door=[str(each) for each in door[every]],
    )


def _enterprise_visits(dice: Dice, enterprises: gpd.GeoDataFrame, count: int) -> pd.DataFrame:
    day = dice.random.integers(1, 32, count)
    return dice.table(
        visit_id=number("X", count),
        date=[f"{_MONTH}-{each:02}" for each in day],
        enterprise_id=enterprises["enterprise_id"].to_numpy()[:count],
    )


def zone_gutang(plan: Plan, dice: Dice) -> pd.DataFrame:
    """Repeat the areas as the demonstration zoning, but for one block that people live in.

    Parameters
    ----------
    plan : Plan
        The plan.
    dice : Dice
        Its draws.

    Returns
    -------
    DataFrame
        Rows of the layer ``zonings``.
    """
    area = _area_level(plan)
    points = plan.blocks.set_geometry(plan.blocks.representative_point())
    zone = locate_in_units(plan, points)[f"{area}_id"].to_numpy(dtype=object).copy()
    units = dice.units(area)
    lived_in = np.flatnonzero(plan.blocks["block_id"].isin(plan.households["block_id"]).to_numpy() & ~pd.isna(zone))
    if len(units) > 1 and len(lived_in):
        one = int(lived_in[0])
        shape = plan.blocks.geometry.iloc[one]
        others = plan.blocks.distance(shape).to_numpy(dtype=np.float64).copy()
        others[zone == zone[one]] = np.inf
        zone[one] = zone[int(np.argmin(others))]
    known = ~pd.isna(zone)
    return dice.table(zoning="demonstration", block_id=plan.blocks["block_id"].to_numpy()[known], zone_id=zone[known])


def _groups(plan: Plan) -> gpd.GeoDataFrame:
    """Say how many of each group live at a household point."""
    households = plan.households
    known = households["persons"]
    persons: Floats = known.fillna(households["households"] * _PERSONS_PER_HOUSEHOLD).to_numpy(dtype=np.float64)
    shares = {"elderly": 0.2, "children": 0.14, "disabled": 0.03, "women": 0.5, "workers": 0.45}
    columns = {group: counts_near(persons * share) for group, share in shares.items()}
    return households.assign(**columns, estimated=True, groups_source=SOURCE)


def _shops(plan: Plan, dice: Dice) -> gpd.GeoDataFrame:
    """Lay out 82 shops, each attached to a dedicated grid but for three that were forgotten."""
    dedicated = plan.grids.loc[plan.grids["grid_kind"] == "dedicated"]
    points = dice.beside(dice.homes(82))
    attached: list[str | None] = [None] * len(points)
    if len(dedicated):
        near = shapely.STRtree(dedicated.geometry.to_numpy()).nearest(np.array(points, dtype=object))
        attached = dedicated["grid_id"].to_numpy()[near].tolist()
    attached[-3:] = [None] * 3
    return dice.frame(
        points, enterprise_id=number("E", 82), name=number("示例商铺", 82), enterprise_kind="shop", grid_id=attached
    )


def zone_tashan(plan: Plan, dice: Dice) -> pd.DataFrame:
    """Zone the ground as three departments might: with other sizes and another seed each.

    Parameters
    ----------
    plan : Plan
        The plan.
    dice : Dice
        Its draws.

    Returns
    -------
    DataFrame
        Rows of the layer ``zonings``.
    """
    middle = float(plan.households["households"].sum()) / max(len(plan.grids), 1)
    tables = []
    for at, (name, size) in enumerate((("police", 1.0), ("urban", 1.3), ("civil", 0.8))):
        band = (middle * size * 0.6, middle * size * 1.5)
        made = partition_grids(plan.blocks, plan.households, households_per_grid=band, seed=at + 1, effort=0.2)
        tables.append(dice.table(zoning=name, block_id=made.blocks["block_id"], zone_id=made.blocks["grid_id"]))
    return pd.concat(tables, ignore_index=True)
