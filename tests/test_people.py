"""Positions, visits, services for groups, overlap and pooling: by hand, and against every way tried."""

from __future__ import annotations

from itertools import combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import gridgeo
from gridgeo.errors import InputError, MissingDataError
from gridgeo.plan import Name, PlanInfo
from gridgeo.positions import place_layer
from gridgeo.sharing import find_lacking, find_overlap, pool_stations, serve_groups, share_rooms
from gridgeo.visits import assess_visits

CRS = 4548


def frame(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def at(*xs):
    return [None if x is None else shapely.Point(x, 0) for x in xs]


@pytest.fixture(scope="module")
def plan():
    """A lane of 1,000 m along y = 0; community V west of 500 (grids G1, G2), community W east of it (grid G3)."""
    west, east = shapely.box(0, -50, 500, 50), shapely.box(500, -50, 1000, 50)
    first, second = shapely.box(0, -50, 250, 50), shapely.box(250, -50, 500, 50)
    return gridgeo.make_plan(
        PlanInfo(Name("甲", "A")),
        CRS,
        units=frame(
            [shapely.union(west, east), west, east], unit_id=["T", "V", "W"],
            level=["subdistrict", "community", "community"], parent_id=[None, "T", "T"],
        ),
        streets=frame(
            [shapely.LineString([(x, 0) for x in range(0, 1001, 50)])], street_id=["s"], street_class=["residential"],
        ),
        blocks=frame(
            [first, second, east], block_id=["B1", "B2", "B3"], grid_id=["G1", "G2", "G3"],
            community_id=["V", "V", "W"],
        ),
        grids=frame([first, second, east], grid_id=["G1", "G2", "G3"], community_id=["V", "V", "W"]),
        households=frame(
            at(100, 300, 900), household_id=["h1", "h2", "h3"], households=[10, 5, 2], elderly=[4, 0, 3],
        ),
        stations=frame(
            at(100, 110, 350, 800), station_id=["S1", "S2", "S3", "S4"], body=["民政", "妇联", "民政", None],
            services=["home care", "home care;arts", "arts", "arts"],
        ),
        people=frame(
            at(120, None, None, None, 300), person_id=["p1", "p2", "p3", "p4", "p5"], role=["member"] * 5,
            station_id=[None, "S4", None, "nowhere", None], household_id=[None, "h1", "h2", None, None],
            unit_id=[None, None, None, "W", "W"], grid_id=["G2", None, None, None, None],
        ),
        enterprises=frame(at(60, 600), enterprise_id=["e1", "e2"], name=["店", "厂"]),
        visits=pd.DataFrame(
            {
                "visit_id": [f"v{row}" for row in range(9)],
                "date": ["2026-10-01"] * 7 + ["2026-09-30", "2026-10-31"],
                "household_id": ["h1", "h1", "h1", "h2", "h3", "h9", None, "h2", None],
                "door": ["1", "1", "2", None, None, None, None, None, None],
                "households": [1, 1, 1, 3, 7, 1, 1, 1, 1],
                "enterprise_id": [None] * 8 + ["e2"],
            }
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def network(plan):
    return gridgeo.build_network(plan.streets)


def test_positions_come_from_the_row_its_station_or_its_household(plan):
    before = plan.people.copy()
    placed = place_layer(plan, "people")
    assert plan.people.equals(before)
    assert placed["position"].tolist() == ["own", "station", "household", "", "own"]
    assert placed.geometry.x.fillna(-1).tolist() == [120, 800, 300, -1, 300]
    # p1 stands in G1 but says G2; p5 stands in V but says W.
    assert placed["grid_id"].fillna("").tolist() == ["G2", "G3", "G2", "", "G2"]
    assert placed["community_id"].tolist() == ["V", "W", "V", "W", "W"]
    assert placed["subdistrict_id"].tolist() == ["T"] * 5
    for layer in ("enterprises", "needs", "stations"):
        assert {"block_id", "grid_id", "community_id", "position"} <= set(place_layer(plan, layer))
    with pytest.raises(InputError):
        place_layer(plan, "streets")


def test_visits_count_households_once_and_never_more_than_live_there(plan):
    found = assess_visits(plan, month="2026-10")
    # h1: two doors; h2: three that named no door (September's does not count); h3: seven said, two live there.
    assert found.points["visited"].tolist() == [2, 3, 2]
    assert found.left["household_id"].tolist() == ["h1", "h2"]
    whole = found.summary().loc["all"]
    assert (whole["households"], whole["visited"], whole["left"], whole["rate"]) == (17, 7, 10, 7 / 17)
    by = found.summary(by="community")
    assert by["visited"].to_dict() == {"V": 5, "W": 2}
    assert by["rate"].to_dict() == {"V": 5 / 15, "W": 1.0}
    assert found.unplaced["visit_id"].tolist() == ["v5", "v6"]
    assert found.basis["visits_unplaced"] == 2


def test_visits_to_enterprises(plan):
    found = assess_visits(plan, month="2026-10", of="enterprises")
    assert found.summary()["visited"].tolist() == [1]
    assert found.left["enterprise_id"].tolist() == ["e1"]
    assert found.summary(by="grid")["enterprises"].to_dict() == {"G1": 1, "G3": 1}


def test_visits_that_cannot_be_counted_are_refused(plan):
    for values, error in (
        ({"month": "2026-13"}, InputError),
        ({"month": None}, InputError),
        ({"month": "2026-10", "of": "shops"}, InputError),
    ):
        with pytest.raises(error):
            assess_visits(plan, **values)
    with pytest.raises(MissingDataError):
        assess_visits(plan.replace(visits=plan.visits.iloc[:0]), month="2026-10")
    with pytest.raises(InputError):
        assess_visits(plan, month="2026-10").summary(by="village")


def test_which_seniors_lack_home_care(plan, network):
    table = serve_groups(
        network, plan, [{"service": "home care", "group": "elderly", "cutoff_m": 200}], by="community"
    ).set_index("unit_id")
    assert table["people"].to_dict() == {"V": 4, "W": 3}
    assert table["served"].to_dict() == {"V": 4, "W": 0}
    assert table["households_lacking"].to_dict() == {"V": 0, "W": 2}
    assert table["stations"].tolist() == [2, 2]
    whole = serve_groups(network, plan, [{"service": "arts", "group": "elderly"}], cutoff_m=100)
    assert whole[["unit_id", "people", "lacking", "rate"]].to_numpy().tolist() == [["all", 7, 0, 1.0]]
    coverage = gridgeo.assess_coverage(network, plan.households, plan.stations, service="home care", cutoff_m=200)
    assert find_lacking(coverage, "elderly")["household_id"].tolist() == ["h3"]
    assert find_lacking(coverage)["household_id"].tolist() == ["h3"]
    assert find_lacking(coverage.at(200), "elderly")["distance_m"].tolist() == [790]
    with pytest.raises(InputError):
        serve_groups(network, plan, [{"service": "arts", "group": "dragons"}])
    with pytest.raises(InputError):
        serve_groups(network, plan, [{"service": "chess", "group": "elderly"}])


def test_households_that_several_bodies_serve(plan, network):
    coverage = gridgeo.assess_coverage(network, plan.households, plan.stations, cutoff_m=100)
    found = find_overlap(coverage)
    # h1 has S1 (民政) and S2 (妇联); h2 only S3; h3 only S4.
    assert found.households[["household_id", "stations", "bodies", "body_names"]].to_numpy().tolist() == [
        ["h1", 2, 2, "妇联;民政"],
    ]  # fmt: skip
    assert found.summary == {
        "households": 17, "people": 17, "double_served": 10, "double_served_people": 10, "share": 10 / 17, "bodies": 3,
        "with_capacity": False,
    }  # fmt: skip
    assert found.pairs.to_numpy().tolist() == [["妇联", "民政", 10, 10]]
    assert find_overlap(coverage, group="elderly").summary["share"] == 4 / 7


def test_stations_of_one_body_are_no_overlap_of_bodies(plan, network):
    coverage = gridgeo.assess_coverage(network, plan.households, plan.stations.assign(body="民政"), cutoff_m=100)
    assert find_overlap(coverage).summary["double_served"] == 0


def test_the_fewest_stations_that_keep_the_coverage(plan, network):
    coverage = gridgeo.assess_coverage(network, plan.households, plan.stations, cutoff_m=100)
    found = pool_stations(coverage)
    assert (found.keep, found.spare) == (["S1", "S3", "S4"], ["S2"])
    assert found.each == ["S1", "S2"]
    assert found.summary["people"] == 17
    # Of the elderly nobody lives at h2, so that S3 could go too.
    assert pool_stations(coverage, group="elderly").keep == ["S1", "S4"]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(0, 20), min_size=1, max_size=8),
    st.lists(st.integers(0, 20), min_size=1, max_size=6),
)
def test_pooling_equals_every_set_tried(network, homes, posts):
    households = frame(
        at(*(50 * x for x in homes)), household_id=[f"h{i}" for i in range(len(homes))], households=[1] * len(homes)
    )
    stations = frame(at(*(50 * x for x in posts)), station_id=[f"s{i}" for i in range(len(posts))])
    coverage = gridgeo.assess_coverage(network, households, stations, cutoff_m=150)
    reach = np.abs(np.subtract.outer(homes, posts)) <= 3
    some = reach.any(axis=1)
    fewest = next(
        count
        for count in range(len(posts) + 1)
        for kept in combinations(range(len(posts)), count)
        if (reach[:, list(kept)].any(axis=1) == some).all()
    )
    found = pool_stations(coverage)
    kept = [int(name[1:]) for name in found.keep]
    assert len(kept) == fewest
    assert (reach[:, kept].any(axis=1) == some).all()
    assert sorted(found.keep + found.spare) == sorted(stations["station_id"])
    for at_ in range(len(posts)):
        others = [other for other in range(len(posts)) if other != at_]
        assert (f"s{at_}" in found.each) == bool((reach[:, others].any(axis=1) == some).all())


def most_served(reached, counts, room):
    """Find the most that can be served by Hall's way: the worst group of points limits it, over all groups."""
    stations = range(len(room))
    sides = [[at for at in stations if chosen >> at & 1] for chosen in range(1 << len(room))]
    return min(
        sum(counts[home] for home in reached if not reached[home] <= set(side)) + sum(room[at] for at in side)
        for side in sides
    )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9))), min_size=1, max_size=5),
)
def test_pooled_stations_have_room_for_todays_users(network, homes, posts):
    """Against every set of stations: reach for all who have it today, and room for as many as today."""
    coverage = gridgeo.assess_coverage(
        network,
        frame(at(*(x * 100 for x, _ in homes)), household_id=[f"h{n}" for n in range(len(homes))],
              households=[count for _, count in homes]),
        frame(at(*(x * 100 for x, _ in posts)), station_id=[f"s{n}" for n in range(len(posts))],
              capacity=[room for _, room in posts]),
        cutoff_m=250,
    )  # fmt: skip
    counts = [count for _, count in homes]
    room = [10**6 if said is None else said for _, said in posts]
    reached = {
        n: {m for m, (y, _) in enumerate(posts) if abs(x - y) * 100 <= 250}
        for n, (x, count) in enumerate(homes) if count
    }  # fmt: skip
    reached = {n: those for n, those in reached.items() if those}
    today = most_served(reached, counts, room)
    found = pool_stations(coverage)

    def holds(kept):
        left = [held if n in kept else 0 for n, held in enumerate(room)]
        return all(those & kept for those in reached.values()) and most_served(reached, counts, left) == today

    every = [set(kept) for size in range(len(posts) + 1) for kept in combinations(range(len(posts)), size)]
    fewest = next(len(kept) for kept in every if holds(kept))
    kept = {int(name[1:]) for name in found.keep}
    assert holds(kept)
    assert len(kept) == fewest
    assert found.summary["served"] == today
    alone = [f"s{n}" for n in range(len(posts)) if holds(set(range(len(posts))) - {n})]
    assert found.each == alone


def test_a_body_serves_only_whom_it_has_room_for(network):
    """A has ten places at 100 and B twenty at 150: of ten at 100, eight at 200, five at 300, A takes the first."""
    homes = frame(at(100, 200, 300), household_id=["h1", "h2", "h3"], households=[10, 8, 5])
    stations = frame(at(100, 150), station_id=["S1", "S2"], body=["A", "B"], capacity=[10, 20])

    def served(**columns):
        coverage = gridgeo.assess_coverage(network, homes, stations.assign(**columns), cutoff_m=300)
        found = find_overlap(coverage)
        return found.households["household_id"].tolist(), found.summary["double_served"], found.summary["with_capacity"]

    assert served() == (["h1"], 10, True)  # B takes h1 and h2; for h3 it has two places left
    assert served(capacity=[18, 23]) == (["h1", "h2"], 18, True)
    assert served(capacity=[None, None]) == (["h1", "h2", "h3"], 23, False)
    assert served(capacity=[None, 0]) == ([], 0, True)


def test_rooms_that_several_bodies_share(plan):
    found = share_rooms(plan.stations, within_m=20)
    assert found[["stations", "station_ids", "bodies", "services"]].to_numpy().tolist() == [
        [2, "S1;S2", "妇联;民政", "arts;home care"],
    ]  # fmt: skip
    assert found.geometry.x.tolist() == [105]
    assert len(share_rooms(plan.stations, within_m=5)) == 0
    with pytest.raises(InputError):
        share_rooms(plan.stations, within_m=-1)
