"""Who walks, to what, and when: persons, services, opening hours."""

from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.coverage import assess_coverage, shut_streets
from gridgeo.errors import GridgeoError
from gridgeo.network import Person, adapt_network, build_network
from gridgeo.network.hours import is_open_at, parse_time

CRS = "EPSG:4527"


def streets(*lines):
    """Lines as (class, coordinates[, bridge])."""
    return gpd.GeoDataFrame(
        {
            "street_id": [f"s{number}" for number in range(len(lines))],
            "street_class": [line[0] for line in lines],
            "bridge": [len(line) > 2 for line in lines],
        },
        geometry=[shapely.LineString(line[1]) for line in lines],
        crs=CRS,
    )


def points(kind, *xy, **columns):
    ids = [f"{kind[0]}{number}" for number in range(len(xy))]
    return gpd.GeoDataFrame({f"{kind}_id": ids, **columns}, geometry=list(shapely.points(xy)), crs=CRS)


STAIRS = streets(
    ("residential", [(0, 0), (100, 0)]),
    ("steps", [(100, 0), (100, 20)]),
    ("footway", [(100, 20), (200, 20)], "bridge"),
    ("steps", [(200, 20), (200, 0)]),
    ("residential", [(200, 0), (300, 0)]),
    ("residential", [(0, 0), (0, -100), (300, -100), (300, 0)]),
)
"""A footbridge that only stairs lead to, and a way round.

         steps 20 +---- bridge ----+ steps
    S---- 100 ----+                +---- 100 ----+
    +----------------- 500 ----------------------+
"""


def test_a_wheelchair_takes_the_way_round_and_no_stairs_only_bridge():
    network = build_network(STAIRS)
    home, post = points("household", (300, 0), (150, 19)), points("station", (0, 0))
    adult = assess_coverage(network, home, post, person="adult").households["distance_m"]
    assert adult.tolist() == [340.0, 171.0]
    # The second household stands at the bridge: a wheelchair goes to the end of the street at (100, 0).
    rolling = assess_coverage(network, home, post, person="wheelchair").households["distance_m"]
    assert rolling.tolist() == [500.0, 100 + round(float(np.hypot(50, 19)), 3)]


def test_minutes_count_speed_slow_ground_and_waits():
    """100 m at 50 m/min, then over a primary road: half the wait before it, half behind."""
    lines = streets(
        ("residential", [(0, 0), (100, 0)]), ("residential", [(100, 0), (200, 0)]), ("steps", [(200, 0), (250, 0)]),
        ("primary", [(100, -500), (100, 0), (100, 500)]),
    )  # fmt: skip
    person = Person(
        name="tester", speed_m_per_min=50.0, slower_on=MappingProxyType({"steps": 2.0}),
        waits_min=MappingProxyType({"primary": 1.0}),
    )  # fmt: skip
    home = points("household", (90, 0), (110, 0), (250, 0), (100, 100))
    coverage = assess_coverage(build_network(lines), home, points("station", (0, 0)), cutoff_min=(5, 7), person=person)
    table = coverage.households
    assert table["minutes"].tolist() == pytest.approx([1.8, 3.2, 7.0, 4.5], abs=1e-3)
    assert table["covered"].tolist() == [True, True, False, True]
    assert coverage.at(350).households["covered"].tolist() == [True, True, True, True]
    assert coverage.basis["cutoff_min"] == 5
    assert coverage.basis["person"] == "tester"


def test_an_elder_never_arrives_before_an_adult():
    network = build_network(STAIRS)
    home, post = points("household", (300, 0), (150, 19), (20, -90)), points("station", (0, 0))
    adult, elder = (
        assess_coverage(network, home, post, cutoff_min=10, person=person).households["minutes"]
        for person in ("adult", "elder")
    )
    assert (elder > adult).all()


def test_a_street_closed_for_a_wheelchair_is_closed_before_the_network_is_adapted():
    lines = streets(
        ("residential", [(0, 0), (100, 0)]),
        ("footway", [(100, 0), (100, 30)]),
        ("footway", [(100, 30), (200, 30)], "bridge"),
        ("steps", [(200, 30), (200, 0)]),
    )
    home, post = points("household", (150, 25), (90, 1)), points("station", (0, 0))
    coverage = assess_coverage(build_network(lines), home, post, person="wheelchair")
    assert coverage.households["distance_m"].tolist() == [185.0, 91.0]
    after = shut_streets(coverage, ["s1"])
    assert after.households["distance_m"].tolist() == [100 + round(float(np.hypot(50, 25)), 3), 91.0]


def test_only_stations_that_offer_the_service_count():
    network = build_network(streets(("residential", [(0, 0), (500, 0)])))
    posts = points("station", (0, 0), (100, 0), services=["meals; clinic", "图书、meals"])
    home = points("household", (150, 0))
    for service, distance in (("clinic", 150), ("meals", 50), ("图书", 50)):
        assert assess_coverage(network, home, posts, service=service).households["distance_m"].tolist() == [distance]
    with pytest.raises(GridgeoError) as refusal:
        assess_coverage(network, home, posts, service="meal")
    assert "clinic" in str(refusal.value)


def test_only_what_is_open_counts():
    """The nearer post opens on weekdays; the gate on the way to the other shuts at night."""
    network = build_network(
        streets(("residential", [(0, 0), (500, 0)])),
        gates=points("gate", (200, 0), open=[True], hours=["06:00-22:00"]),
    )
    posts = points("station", (100, 0), (300, 0), hours=["Mo-Fr 08:00-18:00", None])
    home = points("household", (150, 0))
    found = {
        time: assess_coverage(network, home, posts, at=time).households.iloc[0]
        for time in ("Mon 09:00", "Sat 09:00", "Sat 23:00")
    }
    assert [found[time]["distance_m"] for time in found] == [50, 150, np.inf]
    only = posts.iloc[[0]]
    assert assess_coverage(network, home, only, at="Sun 09:00").households["reason"].tolist() == ["unreachable"]


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        ("24/7", ["Mon 00:00", "Sun 23:59"], []),
        ("Mo-Fr 08:00-18:00; Sa 09:00-12:00", ["Fri 08:00", "Sat 11:59"], ["Fri 18:00", "Sat 12:00", "Sun 09:00"]),
        ("Mo-Su 08:00-12:00,14:00-17:00; We off", ["Tue 14:30"], ["Tue 13:00", "Wed 09:00"]),
        ("周一至周五 8:30-17:30；周六、周日 09:00-16:00", ["Mon 08:30", "Sun 15:00"], ["Mon 18:00"]),
        ("22:00-06:00", ["Mon 23:00", "Mon 01:00"], ["Mon 12:00"]),
        ("Fr-Mo 10:00-11:00", ["Sun 10:00", "Mon 10:30"], ["Wed 10:30"]),
        ("每天 08:00-20:00", ["Sun 19:59"], ["Sun 20:00"]),
    ],
)
def test_opening_hours(hours, inside, outside):
    assert all(is_open_at(hours, parse_time(time)) for time in inside)
    assert not any(is_open_at(hours, parse_time(time)) for time in outside)


def test_what_is_not_understood_is_refused():
    network = build_network(streets(("residential", [(0, 0), (500, 0)])))
    home, posts = points("household", (150, 0)), points("station", (0, 0), hours=["by appointment"])
    for options in (
        {"at": "Sat 19:00"}, {"at": "someday"}, {"at": "Sat 25:00"}, {"person": "giant"}, {"service": "x"},
        {"cutoff_min": 0}, {"person": Person(name="x", speed_m_per_min=-1)},
        {"person": Person(name="x", speed_m_per_min=np.nan)},
        {"person": Person(name="x", speed_m_per_min=9, slower_on=MappingProxyType({"steps": 0.5}))},
        {"person": Person(name="x", speed_m_per_min=9, waits_min=MappingProxyType({"primary": -1}))},
    ):  # fmt: skip
        with pytest.raises(GridgeoError):
            assess_coverage(network, home, posts, **options)
    with pytest.raises(GridgeoError):
        adapt_network(build_network(streets(("steps", [(0, 0), (9, 0)]))), "wheelchair")
