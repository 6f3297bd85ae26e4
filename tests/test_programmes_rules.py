"""Every kind of rule on a drawing small enough to judge by hand.

One street of 1,000 m runs along y = 0. Above it lie four blocks of 250 m, each a grid; two grids are a community:

    |  B1 = G1  |  B2 = G2  |  B3 = G3  |  B4 = G4  |
    |  h0 h1 (h2) |  (h2) h3 h4 |  h5 h6 (h7) | (h7) h8 h9 |      10 households at x = 50, 150, …, 950, y = 10
    s-----------------------------------------------       a post at x = 50, y = 0

A household at x walks |x - 50| + 10 m to the post.
"""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridgeo.plan import Level, Name, PlanInfo, make_plan
from gridgeo.programmes import applied_programme, apply_programme, judge_programme, parse_programme
from gridgeo.store import read_plan, write_plan

CRS = 4549
X = np.arange(50.0, 1000.0, 100.0)
GROUND = ((0, 0, 1000), (0, 0, 500), (500, 0, 1000))
HEAD = """
title = "drawing"
[[level]]
level = "subdistrict"
name = { zh = "街道", en = "sub-district" }
[[level]]
level = "community"
name = { zh = "社区", en = "community" }
[[level]]
level = "grid"
name = { zh = "网格", en = "grid" }
[[level]]
level = "helper"
name = { zh = "网格员", en = "helper" }
role = "helper"
[[station]]
station = "post"
name = { zh = "驿站", en = "post" }
radius = "210 m"
[[station]]
station = "hub"
name = { zh = "中心", en = "hub" }
radius = "310 m"
[[service]]
service = "care"
name = { zh = "照料", en = "care" }
"""


def frame(data, geometry):
    return gpd.GeoDataFrame(data, geometry=geometry, crs=CRS)


def draw(**layers):
    squares = [shapely.box(250 * n, 0, 250 * (n + 1), 100) for n in range(4)]
    ids, communities = [f"G{n}" for n in range(1, 5)], ["C1", "C1", "C2", "C2"]
    units = {"unit_id": ["D", "C1", "C2"], "name": ["D", "one", "two"], "parent_id": [None, "D", "D"]}
    units["level"] = ["subdistrict", "community", "community"]
    line = shapely.LineString([(0, 0), *((x, 0) for x in X), (1000, 0)])
    drawn = {
        "units": frame(units, [shapely.box(*corners, 100) for corners in GROUND]),
        "streets": frame({"street_id": ["a"], "street_class": ["residential"]}, [line]),
        "blocks": frame(
            {"block_id": [f"B{n}" for n in range(1, 5)], "community_id": communities, "grid_id": ids}, squares
        ),
        "grids": frame({"grid_id": ids, "name": ids, "community_id": communities}, squares),
        "households": frame(
            {"household_id": [f"h{n}" for n in range(10)], "households": [10] * 10, "elderly": [0, 4, *[0] * 7, 6]},
            shapely.points(X, 10.0),
        ),
        "stations": posts([50.0]),
        **layers,
    }  # fmt: skip
    levels = tuple(Level(level, Name(level, level)) for level in ("subdistrict", "community", "grid"))
    return make_plan(PlanInfo(name=Name("图", "drawing"), levels=levels), CRS, **drawn)


def posts(places, **columns):
    data = {"station_id": [f"s{n}" for n in range(len(places))], "station_kind": "post", "name": "post", **columns}
    return frame(data, shapely.points(places, 0.0))


def people(**columns):
    rows = max(len(values) for values in columns.values() if isinstance(values, list))
    return pd.DataFrame({"person_id": [f"p{n}" for n in range(rows)], **columns})


def judge(plan, body):
    source = f'{HEAD}\n[[rule]]\nrule = "r"\nname = "rule"\n{body}\n'
    report = judge_programme(plan, parse_programme(source, file="drawing.toml"))
    (verdict,) = report.verdicts
    assert verdict.sentence
    assert len(report.table()) == 1
    assert len(report.places()) == (0 if verdict.answer is None else len(verdict.answer.places))
    report.units()
    return verdict


def number(verdict):
    return verdict.state, pytest.approx(verdict.answer.value)


def failing(verdict):
    return sorted(verdict.answer.places["place_id"])


def test_coverage_counts_whom_the_radius_holds_inclusive():
    """|x - 50| + 10 ≤ 210 up to x = 250: three of ten points, the third exactly at the radius."""
    verdict = judge(draw(), 'kind = "coverage"\nto = { station = "post" }\nleast = "30 %"')
    assert number(verdict) == ("met", 0.3)
    assert failing(verdict) == [f"h{n}" for n in range(3, 10)]
    assert verdict.households == 70
    assert verdict.answer.places["value"].tolist() == [310.0, 410, 510, 610, 710, 810, 910]
    units = verdict.answer.units.set_index("unit_id")["share"]
    assert units["C1"] == pytest.approx(0.6)
    assert units["C2"] == 0
    assert judge(draw(), 'kind = "coverage"\nto = { station = "post" }\nleast = "31 %"').state == "not_met"


def test_a_station_that_is_not_there_or_closed_serves_nobody():
    """The plan has posts and no hub: nobody reaches a hub, which is an answer; so is a post that is closed."""
    verdict = judge(draw(), 'kind = "coverage"\nto = { station = "hub" }')
    assert number(verdict) == ("not_met", 0.0)
    assert len(failing(verdict)) == 10
    closed = draw(stations=posts([50.0, 950.0], open=[True, False]))
    for body in ('to = { station = "post" }', 'to = { station = "*" }\nradius = "210 m"'):
        assert number(judge(closed, f'kind = "coverage"\n{body}')) == ("not_met", 0.3)
    none = draw(stations=posts([50.0], open=[False]))
    assert number(judge(none, 'kind = "coverage"\nto = { station = "post" }')) == ("not_met", 0.0)
    assert number(judge(none, 'kind = "count"\nwhat = { station = "post" }\nnumber = "1+"')) == ("not_met", 0.0)


def test_a_number_that_the_programme_does_not_state_is_told():
    body = 'kind = "coverage"\nto = { station = "post" }\nleast = "30 %"\nassumed = ["least"]'
    assert judge(draw(), body).assumed == "at least 30 %"
    source = HEAD.replace('radius = "210 m"', 'radius = "210 m"\nassumed = ["radius"]')
    rules = f'[[rule]]\nrule = "r"\nname = "rule"\n{body}\n[[rule]]\nrule = "s"\nname = "rule"\nkind = "blank"\n'
    report = judge_programme(draw(), parse_programme(source + rules, file="x.toml"))
    assert report.table()["assumed"].tolist() == ["at least 30 %; radius 210 m on foot", "radius 210 m on foot"]
    own = source + rules.replace('assumed = ["least"]', 'radius = "300 m"')
    assert judge_programme(draw(), parse_programme(own, file="x.toml")).table()["assumed"].tolist()[0] == ""


def test_coverage_in_a_straight_line_in_minutes_and_of_a_group():
    straight = 'kind = "coverage"\nto = { station = "post" }\nradius = "201 m"\nwalk = "straight"'
    assert judge(draw(), straight).answer.value == pytest.approx(0.3)  # √(200² + 10²) = 200.25 m to x = 250
    exact = straight.replace("201 m", "200.25 m")
    assert judge(draw(), exact).answer.value == pytest.approx(0.3)
    minutes = 'kind = "coverage"\nto = { station = "post" }\nradius = "5 min"\nperson = "elder"'
    assert judge(draw(), minutes).answer.value == pytest.approx(0.3)  # 5 · 54 = 270 m: up to x = 250
    group = 'kind = "coverage"\nto = { station = "post" }\ngroup = "elderly"'
    verdict = judge(draw(), group)
    assert number(verdict) == ("not_met", 0.4)
    assert failing(verdict) == ["h9"]


def test_coverage_by_the_stations_of_the_own_unit():
    """Posts in G1 and G3, at 240 and 740: who lives in G2 or G4 may not go there, however near it is."""
    plan = draw(stations=posts([240.0, 740.0]))
    anywhere = judge(plan, 'kind = "coverage"\nto = { station = "post" }\nradius = "210 m"')
    assert failing(anywhere) == ["h4", "h9"]
    own = judge(plan, 'kind = "coverage"\nto = { station = "post" }\nradius = "210 m"\nown = "grid"')
    expected = {f"h{n}" for n in range(10)} - {"h0", "h1", "h2", "h5", "h6", "h7"}
    assert set(failing(own)) == expected
    straight = judge(
        plan, 'kind = "coverage"\nto = { station = "post" }\nradius = "210 m"\nwalk = "straight"\nown = "grid"'
    )
    assert set(failing(straight)) == expected


def test_the_shortest_radius_is_the_one_that_just_holds_the_share():
    """Nine of ten points within 810 m."""
    body = 'kind = "shortest"\nto = { station = "post" }\nleast = "90 %"\nradius = "810 m"'
    assert number(judge(draw(), body)) == ("met", 810.0)
    verdict = judge(draw(), body.replace("810 m", "809 m"))
    assert verdict.state == "not_met"
    assert failing(verdict) == ["h8", "h9"]
    assert verdict.value == "810 m"


def test_blank_spots_are_left_by_all_kinds_at_their_own_radius():
    """A post at 50 reaches x ≤ 250, a hub at 650 the points from 350 to 950; moved to 750 it leaves the one at 350."""
    kinds = {"station_kind": ["post", "hub"]}
    plan = draw(stations=posts([50.0, 650.0], **kinds))
    assert number(judge(plan, 'kind = "blank"')) == ("met", 0.0)
    moved = draw(stations=posts([50.0, 750.0], **kinds))
    verdict = judge(moved, 'kind = "blank"\nmost = "5 %"')
    assert number(verdict) == ("not_met", 0.1)  # h3 at 350: 310 m from the post, 410 m from the hub
    assert verdict.households == 10
    assert verdict.answer.places.geometry.iloc[0].contains(shapely.Point(350, 10))
    assert judge(moved, 'kind = "blank"\nstations = ["hub"]').answer.value == pytest.approx(0.4)


def test_spacing_asks_for_a_station_within_half():
    """Every 400 m: 200 m on foot are 190 m of street and a leg, so x ≤ 240 and 610 ≤ x ≤ 990 of posts at 50 and 800."""
    plan = draw(stations=posts([50.0, 800.0]))
    verdict = judge(plan, 'kind = "spacing"\nto = { station = "post" }\nevery = "400 m"\nleast = "60 %"')
    assert number(verdict) == ("met", 0.6)
    assert failing(verdict) == ["h2", "h3", "h4", "h5"]
    streets = judge(
        plan, 'kind = "spacing"\nto = { station = "post" }\nevery = "400 m"\nof = "streets"\nleast = "70 %"'
    )
    assert streets.answer.value == pytest.approx(0.65, abs=1e-5)  # 0 to 250 and 600 to 1,000 of 1,000 m
    assert streets.state == "not_met"
    assert streets.answer.places.length.sum() == pytest.approx(350, abs=0.01)
    by_units = judge(
        plan,
        'kind = "spacing"\nto = { station = "post" }\nevery = "400 m"\nof = "streets"\nleast = "75 %"\n'
        'level = "community"\nunits = "1+"',
    )
    assert number(by_units) == ("met", 1.0)  # C2: 400 of 500 m; C1: 250 of 500 m
    shares = by_units.answer.units.set_index("unit_id")["share"]
    assert shares["C1"] == pytest.approx(0.5, abs=1e-5)
    assert shares["C2"] == pytest.approx(0.8, abs=1e-5)


def test_spacing_of_people():
    """Members at h1, h4 and h7, every 300 m: 150 m on foot are 130 m of street and two legs of 10 m."""
    plan = draw(people=people(role=["member"] * 3, household_id=["h1", "h4", "h7"]))
    body = 'kind = "spacing"\nto = { people = "member" }\nevery = "300 m"\nleast = "90 %"'
    verdict = judge(plan, body)
    assert number(verdict) == ("met", 0.9)
    assert failing(verdict) == ["h9"]


def test_counts_in_all_by_unit_by_station_and_by_kind():
    plan = draw(stations=posts([50.0, 150.0, 800.0], station_kind=["hub", "post", "post"], level=["grid", None, None]))
    assert number(judge(plan, 'kind = "count"\nwhat = { level = "grid" }\nnumber = 4')) == ("met", 4.0)
    assert number(judge(plan, 'kind = "count"\nwhat = { station = "post" }\nnumber = "3+"')) == ("not_met", 2.0)
    per_hub = 'kind = "count"\nwhat = { station = "post" }\nper = { station = "hub" }\nnumber = 2'
    assert number(judge(plan, per_hub)) == ("met", 2.0)
    # Two hubs: each counts what is nearest to it on foot, and the one farthest off is told.
    two = draw(stations=posts([50.0, 150.0, 250.0, 950.0], station_kind=["hub", "post", "post", "hub"]))
    apart = judge(two, per_hub)
    assert number(apart) == ("not_met", 0.0)
    assert failing(apart) == ["s3"]
    assert apart.answer.units["all"].tolist() == [2, 0]
    assert judge(two, per_hub.replace("number = 2", 'number = "0-2"')).state == "met"
    at = 'kind = "count"\nwhat = { station = "*", at = "grid" }\nnumber = 1'
    assert number(judge(plan, at)) == ("met", 1.0)
    by_grid = judge(plan, 'kind = "count"\nwhat = { station = "post" }\nper = "grid"\nnumber = "1+"')
    assert number(by_grid) == ("not_met", 0.5)
    assert failing(by_grid) == ["G2", "G3"]
    nested = judge(plan, 'kind = "count"\nwhat = { level = "grid" }\nper = "community"\nnumber = 2')
    assert number(nested) == ("met", 1.0)
    dedicated = 'kind = "count"\nwhat = { level = "grid", grid_kind = "dedicated" }\nnumber = "1+"'
    assert number(judge(plan, dedicated)) == ("not_met", 0.0)
    teams = people(role=["volunteer"] * 3, kinds=["sport", "arts; sport", None])
    distinct = 'kind = "count"\nwhat = { people = "volunteer", distinct = "kinds" }\nnumber = 2'
    assert number(judge(draw(people=teams), distinct)) == ("met", 2.0)
    named = distinct.replace('"kinds"', '"kinds", among = ["arts", "chess"]')
    assert number(judge(draw(people=teams), named)) == ("not_met", 1.0)


def test_a_level_of_people_is_counted_by_grid():
    plan = draw(people=people(role=["helper", "helper", "other"], grid_id=["G1", "G1", "G2"]))
    verdict = judge(plan, 'kind = "count"\nwhat = { level = "helper" }\nper = "grid"\nnumber = "1+"')
    assert number(verdict) == ("not_met", 0.25)
    assert failing(verdict) == ["G2", "G3", "G4"]
    assert verdict.answer.units["all"].tolist() == [2, 0, 0, 0]


def test_staffing_counts_only_whom_the_unit_employs():
    """C1: one full-time, two seconded, and a full-timer of its grid G1, who is not C1's. C2 lacks one."""
    staff = people(
        role=["staff"] * 6,
        time=["full", "seconded", "seconded", "full", "full", "seconded"],
        unit_id=["C1", "C1", "C1", None, "C2", "C2"],
        grid_id=[None, None, None, "G1", None, None],
    )
    body = (
        'kind = "staffing"\nlevel = "community"\n'
        'staff = [{ time = "full", number = 1 }, { time = "seconded", number = "2+" },'
        ' { time = "part", number = "0+" }]'
    )
    verdict = judge(draw(people=staff), body)
    assert failing(verdict) == ["C2"]
    assert number(verdict) == ("not_met", 0.5)
    units = verdict.answer.units.set_index("unit_id")
    assert units.loc["C1", ["post_0", "post_1", "post_2"]].tolist() == [1, 2, 0]


def test_band_asks_general_grids_only():
    plan = draw()
    held = plan.households.groupby("grid_id")["households"].sum().to_dict()
    assert held == {"G1": 30, "G2": 20, "G3": 30, "G4": 20}
    verdict = judge(plan, 'kind = "band"\nhouseholds = "25-30"')
    assert number(verdict) == ("not_met", 0.5)
    assert failing(verdict) == ["G2", "G4"]
    assert verdict.households == 40
    kinds = plan.grids.assign(grid_kind=["general", "dedicated", "general", "dedicated"])
    assert judge(plan.replace(grids=kinds), 'kind = "band"\nhouseholds = "25-30"').state == "met"


def test_nesting_finds_a_grid_of_two_communities_and_a_unit_without_parent():
    plan = draw(people=people(role=["helper"], grid_id=["G1"]))
    assert number(judge(plan, 'kind = "nesting"')) == ("met", 1.0)
    blocks = plan.blocks.assign(grid_id=["G1", "G2", "G2", "G4"])
    torn = judge(plan.replace(blocks=blocks), 'kind = "nesting"')
    assert failing(torn) == ["G2", "G3"]  # G3 has lost its block, and with it its place
    units = plan.units.assign(parent_id=[None, "D", None])
    assert failing(judge(plan.replace(units=units), 'kind = "nesting"')) == ["C2"]
    # Without helpers it cannot be said that all levels nest; that they do not, all the same.
    assert judge(draw(), 'kind = "nesting"').state == "unknown"
    assert failing(judge(draw().replace(units=units), 'kind = "nesting"')) == ["C2"]


GROUPS = """
[[level]]
level = "stairs"
name = { zh = "楼道党小组", en = "stairwell group" }
station = "hub"
[[level]]
level = "helper"
"""


def nest(plan):
    source = HEAD.replace('[[level]]\nlevel = "helper"\n', GROUPS.lstrip())
    body = source + '[[rule]]\nrule = "r"\nname = "rule"\nkind = "nesting"\n'
    return judge_programme(plan, parse_programme(body, file="x.toml")).verdicts[0]


def test_nesting_goes_down_to_groups_and_people_below_the_grid():
    """Two stairwell groups in G1 and G4; a helper is of the group that they name, or of the one of their household."""
    groups = posts([50.0, 950.0], station_kind="hub")
    named = people(role=["helper"] * 3, grid_id=["G1", "G4", "G4"], station_id=["s0", "s1", None])
    lost = nest(draw(stations=groups, people=named))
    assert number(lost) == ("not_met", 1 - 1 / 11)  # 2 communities, 4 grids, 2 groups, 3 helpers
    assert failing(lost) == ["p2"]
    assert number(nest(draw(stations=groups, people=named.iloc[:2]))) == ("met", 1.0)
    told = nest(draw(stations=groups, people=named.drop(columns="station_id")))
    assert (told.state, "no column station_id" in told.sentence) == ("unknown", True)
    closed = nest(draw(stations=groups.assign(open=[True, False]), people=named.iloc[:2]))
    assert failing(closed) == ["p1"]  # s1 is closed, so its helper is of no group


def test_groups_that_households_name_nest_by_all_their_households():
    """Group a lies in G1 only, group b in G1 and G2."""
    homes = (
        draw().households[["household_id", "households", "geometry"]].iloc[:4].assign(stairs_id=["a", "a", "b", "b"])
    )
    verdict = nest(draw(households=homes, people=people(role=["helper"], household_id=["h0"])))
    assert failing(verdict) == ["b"]
    assert number(verdict) == ("not_met", 1 - 1 / 9)


def test_attached_by_hand_by_place_and_to_somebody():
    shops = frame(
        {"enterprise_id": ["e1", "e2", "e3"], "enterprise_kind": "shop", "grid_id": ["G4", None, None]},
        shapely.points([10.0, 260, 999], 5.0),
    )
    plan = draw(enterprises=shops)
    plan = plan.replace(grids=plan.grids.assign(grid_kind=["general", "dedicated", "general", "dedicated"]))
    body = 'kind = "attached"\nwhat = { enterprise = "shop" }\ngrid_kind = "dedicated"'
    assert number(judge(plan, body)) == ("met", 1.0)
    two = plan.replace(grids=plan.grids.assign(grid_kind=["general", "dedicated", "general", "general"]))
    assert failing(judge(two, body)) == ["e1", "e3"]
    led = plan.replace(people=people(role=["secretary"], grid_id=["G2"]))
    verdict = judge(led, 'kind = "attached"\nwhat = { enterprise = "shop" }\nrole = "secretary"')
    assert failing(verdict) == ["e1", "e3"]
    land = frame({"landuse_id": ["l1", "l2"], "landuse_kind": "residential"}, [shapely.box(260, 0, 300, 50)] * 2)
    branch = draw(enterprises=shops, stations=posts([260.0, 950.0], open=[True, False]))
    by_station = judge(branch, 'kind = "attached"\nwhat = { enterprise = "shop" }\nstation = "post"')
    assert failing(by_station) == ["e1", "e3"]  # the post in G4 is closed
    assert "lie in no grid with post" in by_station.sentence
    on_land = judge(
        led.replace(landuse=land), 'kind = "attached"\nwhat = { landuse = "residential" }\nrole = "secretary"'
    )
    assert number(on_land) == ("met", 1.0)


def test_streets_asks_along_what_grids_are_cut():
    """Three borders of 100 m between the grids; only the middle one has a primary street on it."""
    lines = [shapely.LineString([(500, -10), (500, 110)]), shapely.LineString([(0, -200), (1000, -200)])]
    streets = frame({"street_id": ["m", "n"], "street_class": ["primary", "residential"]}, lines)
    verdict = judge(draw(streets=streets), 'kind = "streets"\nleast = "30 %"')
    assert number(verdict) == ("met", 1 / 3)
    assert verdict.answer.places.length.sum() == pytest.approx(200)


def test_contact_asks_for_somebody_of_the_grid():
    plan = draw(people=people(role=["grid_head"] * 2, grid_id=["G1", "G2"]))
    verdict = judge(plan, 'kind = "contact"\nrole = "grid_head"')
    assert number(verdict) == ("not_met", 0.5)
    staffed = plan.replace(grids=plan.grids.assign(staff=["", None, "Wang", "Li"]))
    assert judge(staffed, 'kind = "contact"\nrole = "grid_head"').state == "met"
    card = 'kind = "contact"\nrole = "grid_head"\nservices = true'
    offers = posts([50.0, 950.0], services=["care", "care"], open=[True, False])
    lacking = judge(staffed.replace(stations=draw(stations=offers).stations), card)
    assert number(lacking) == ("not_met", 0.5)  # C2's only station is closed
    assert failing(lacking) == [f"h{n}" for n in range(5, 10)]


def test_attributes_services_and_layers():
    hubs = posts([50.0, 150], station_kind="hub", area_m2=[1200.0, 900.0], services=["care;tea", "care"])
    plan = draw(stations=hubs)
    area = judge(plan, 'kind = "attribute"\nstation = "hub"\ncolumn = "area_m2"\nnumber = "1000+"')
    assert number(area) == ("not_met", 900.0)
    assert failing(area) == ["s1"]
    assert judge(plan, 'kind = "offers"\nstation = "hub"\nservices = ["care"]').state == "met"
    lacking = plan.replace(stations=plan.stations.assign(services=["care", "tea"]))
    assert failing(judge(lacking, 'kind = "offers"\nstation = "hub"\nservices = ["care"]')) == ["s1"]
    layers = judge(plan, 'kind = "layers"\nlayers = ["grids", "people"]')
    assert number(layers) == ("not_met", 0.5)
    assert "people" in layers.sentence


def test_wishes_met():
    needs = pd.DataFrame({"need_id": list("abcd"), "need_kind": "wish", "status": ["met", "met", "met", "open"]})
    verdict = judge(draw(needs=needs), 'kind = "met"\nneed = "wish"\nleast = "98 %"')
    assert number(verdict) == ("not_met", 0.75)
    assert failing(verdict) == ["d"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('kind = "coverage"\nto = { station = "post" }\ngroup = "women"', "no column women"),
        ('kind = "coverage"\nto = { station = "post" }\ngroup = "children"', "Nobody is entered as children"),
        ('kind = "overlap"\nto = { station = "hub" }\nmost = 0', "The plan has no hub with a position."),
        ('kind = "coverage"\nto = { people = "member" }\nradius = "9 m"', "The plan holds no people."),
        ('kind = "coverage"\nto = { service = "care" }', "have no column services"),
        ('kind = "coverage"\nto = { station = "*" }', "No radius is set for stations of any kind."),
        ('kind = "matching"', "The plan holds no needs."),
        ('kind = "care"\nrole = "member"\nlimit = 9', "The plan holds no people."),
        ('kind = "visits"\nleast = 1', "The plan holds no visits."),
        ('kind = "coincide"\none = "a"\nother = "b"', "The plan holds no zonings."),
        ('kind = "merge"\nmost = 0', "The plan holds no zonings."),
        ('kind = "met"\nleast = 1', "The plan holds no needs."),
        ('kind = "shared"\nto = { station = "post" }\nleast = 1', "no column body"),
        ('kind = "contact"\nrole = "grid_head"', "Nobody in the plan has the role grid heads."),
        ('kind = "count"\nwhat = { level = "helper" }\nnumber = 1', "The plan holds no people."),
        ('kind = "staffing"\nlevel = "grid"\nstaff = [{ role = "x", number = 1 }]', "The plan holds no people."),
    ],
)
def test_what_is_missing_is_said_and_nothing_guessed(body, sentence):
    verdict = judge(draw(), body)
    assert verdict.state == "unknown"
    assert verdict.answer is None
    assert sentence in verdict.sentence
    assert (verdict.value, verdict.wanted) == ("–", "–")


def test_a_plan_with_nothing_in_it_answers_every_rule():
    from gridgeo.programmes import PROGRAMMES, read_programme

    empty = make_plan(PlanInfo(name=Name("空", "empty")), CRS)
    for name in PROGRAMMES:
        report = judge_programme(empty, read_programme(name))
        assert report.counts["met"] == 0
        assert report.counts["unknown"] + report.counts["not_met"] == len(report.verdicts)
        assert report.table()["sentence"].str.len().min() > 5


def test_apply_names_levels_makes_those_missing_and_keeps_the_file(tmp_path):
    made = HEAD.replace(
        '[[level]]\nlevel = "community"',
        '[[level]]\nlevel = "area"\nname = { zh = "片区", en = "area" }\n[[level]]\nlevel = "community"',
    ) + '[[rule]]\nrule = "r"\nname = "rule"\nkind = "count"\nwhat = { level = "area" }\nnumber = 2\n'  # fmt: skip
    programme = parse_programme(made, file="mine.toml")
    plan = draw()
    applied = apply_programme(plan, programme)
    assert [level.level for level in applied.info.levels] == ["subdistrict", "area", "community", "grid"]
    assert [level.name.zh for level in applied.info.levels] == ["街道", "片区", "社区", "网格"]
    assert applied.households["area_id"].nunique() == 2
    assert len(plan.units) == 3
    assert judge_programme(applied, programme).counts == {"met": 1, "not_met": 0, "unknown": 0}
    write_plan(applied, tmp_path / "plan.gpkg")
    assert applied_programme(read_plan(tmp_path / "plan.gpkg")).rules == programme.rules
    again = apply_programme(applied, programme)
    assert again.units["unit_id"].tolist() == applied.units["unit_id"].tolist()
    top = plan.units.assign(level=["area", "community", "community"])
    levels = (Level("area", Name("全域", "whole")), *plan.info.levels[1:])
    other = apply_programme(plan.replace(info=replace(plan.info, levels=levels), units=top), programme)
    assert [level.level for level in other.info.levels] == ["subdistrict", "area", "community", "grid"]
    assert other.units["level"].value_counts().to_dict() == {"community": 2, "area": 2, "subdistrict": 1}


def zoning(name, zones):
    return pd.DataFrame({"zoning": name, "block_id": [f"B{n}" for n in range(1, 5)], "zone_id": list(zones)})


def test_two_zonings_coincide_or_the_blocks_are_named():
    """ "demo" is the two communities but for B3, which it counts to the first: 30 households lie otherwise."""
    plan = draw(zonings=pd.concat([zoning("demo", "xxxy"), zoning("same", "qqww")]))
    body = 'kind = "coincide"\none = "level:community"\nother = "demo"'
    verdict = judge(plan, body)
    assert number(verdict) == ("not_met", 1.0)
    assert failing(verdict) == ["B3"]
    assert verdict.households == 30
    assert judge(plan, body.replace("demo", "same")).state == "met"
    assert judge(plan, body.replace("demo", "moon")).state == "unknown"


def test_zonings_to_be_merged_are_measured_in_households():
    plan = draw(zonings=pd.concat([zoning("police", "aabb"), zoning("urban", "xxxy")]))
    verdict = judge(plan, 'kind = "merge"\nmost = "0 %"')
    assert number(verdict) == ("not_met", 0.3)
    assert failing(verdict) == ["B3"]
    assert judge(plan, 'kind = "merge"\nmost = "30 %"').state == "met"
    assert judge(plan, 'kind = "merge"\nmost = 0\nzonings = ["police"]').state == "unknown"


def test_needs_are_matched_within_reach_and_capacity():
    """Volunteers at h0 (two of arts) and h9 (one of sport); needs of arts at h1, h2, h9 and of chess at h3.

    Within 310 m on foot h1 and h2 go to h0's volunteer; at h9 nobody does arts, and nobody anywhere plays chess.
    """
    volunteers = people(role=["volunteer"] * 2, kinds=["arts", "sport"], capacity=[2, 1], household_id=["h0", "h9"])
    needs = pd.DataFrame(
        {"need_id": list("abcde"), "need_kind": ["arts", "arts", "arts", "chess", "arts"],
         "household_id": ["h1", "h2", "h9", "h3", "h0"], "status": ["open"] * 4 + ["met"]}
    )  # fmt: skip
    verdict = judge(draw(people=volunteers, needs=needs), 'kind = "matching"\nradius = "310 m"\nleast = "50 %"')
    assert number(verdict) == ("met", 0.5)
    assert failing(verdict) == ["c", "d"]
    by_kind = verdict.answer.units.set_index("unit_id")
    assert by_kind["all"].to_dict() == {"arts": 3, "chess": 1}
    assert by_kind["met"].to_dict() == {"arts": 2, "chess": 0}


def test_households_are_taken_in_care_up_to_the_limit():
    """One member at h4 who takes 40 households, within 310 m on foot (h2 to h7, 60 households)."""
    plan = draw(people=people(role=["member"], household_id=["h4"]))
    body = 'kind = "care"\nrole = "member"\nlimit = 40\nradius = "320 m"'
    verdict = judge(plan, body)
    assert number(verdict) == ("not_met", 0.4)
    assert verdict.households == 60
    assert verdict.answer.units.groupby("level")["met"].sum().to_dict() == {"community": 40, "grid": 40}
    assert verdict.answer.pairs["households"].sum() == 40
    away = draw(people=people(role=["member"], household_id=["h4"], grid_id=["G4"]))
    assert number(judge(away, body.replace("320 m", "900 m") + '\nown = "grid"')) == ("not_met", 0.2)  # h8 and h9 only
    many = draw(people=people(role=["member"] * 3, household_id=["h1", "h4", "h8"]))
    assert judge(many, body).state == "met"


def test_visits_of_a_month_are_counted_once():
    """h0's ten households were visited twice, four of h1's once; h9 in another month; one of two enterprises."""
    visits = pd.DataFrame(
        {"visit_id": list("abcde"), "date": ["2026-10-01", "2026-10-09", "2026-10-31", "2026-09-30", "2026-10-05"],
         "household_id": ["h0", "h0", "h1", "h9", None], "households": [10, 10, 4, 10, 1],
         "enterprise_id": [None] * 4 + ["e1"]}
    )  # fmt: skip
    firms = frame({"enterprise_id": ["e1", "e2"], "enterprise_kind": "company"}, shapely.points([10.0, 900], 5.0))
    plan = draw(visits=visits, enterprises=firms)
    verdict = judge(plan, 'kind = "visits"\nof = "households"\nnumber = "14+"')
    assert number(verdict) == ("met", 14.0)
    assert verdict.households == 86
    share = judge(plan, 'kind = "visits"\nof = "enterprises"\nleast = "50 %"\nmonth = "2026-10"')
    assert number(share) == ("met", 0.5)
    assert failing(share) == ["e2"]
    assert judge(plan, 'kind = "visits"\nnumber = 1\nmonth = "2026-09"').answer.value == 10


def test_overlap_counts_bodies_and_names_what_could_go():
    """Two bodies at x = 50 and 150, one of them also at 950: within 210 m h0 to h2 have both, h3 has one."""
    plan = draw(stations=posts([50.0, 150.0, 950.0], body=["A", "B", "A"]))
    verdict = judge(plan, 'kind = "overlap"\nto = { station = "post" }\nmost = "20 %"')
    assert number(verdict) == ("not_met", 0.3)
    places = verdict.answer.places
    assert sorted(places.loc[places["layer"] == "households", "place_id"]) == ["h0", "h1", "h2"]
    assert places.loc[places["layer"] == "stations", "place_id"].tolist() == ["s0"]


def test_rooms_used_by_two_bodies_are_shared():
    plan = draw(stations=posts([50.0, 50.0, 900.0], body=["A", "B", "A"]))
    verdict = judge(plan, 'kind = "shared"\nto = { station = "post" }\nleast = "60 %"')
    assert number(verdict) == ("met", 2 / 3)
    assert failing(verdict) == ["s2"]
