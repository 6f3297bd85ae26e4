"""What cannot be used gets one sentence; what looks odd but can be used gets the right answer."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridgeo.coverage import add_station, assess_coverage, change_gates, shut_streets
from gridgeo.errors import GridgeoError
from gridgeo.network import Person, build_network
from gridgeo.service_area import service_areas

CRS = "EPSG:4527"


def layer(kind, *shapes, **columns):
    ids = [f"{kind[0]}{number}" for number in range(len(shapes))]
    return gpd.GeoDataFrame({f"{kind}_id": ids} | columns, geometry=list(shapes), crs=CRS)


def street(*coordinates, **columns):
    return layer("street", shapely.LineString(coordinates or [(0, 0), (100, 0)]), **columns)


WALL = layer("barrier", shapely.LineString([(-50, 2), (150, 2)]))
GATE = layer("gate", shapely.Point(50, 2), open=[True])
HOME, POST = layer("household", shapely.Point(50, 3)), layer("station", shapely.Point(0, 0))


def ask(streets=None, homes=HOME, posts=POST, **options):
    ground = {name: options.pop(name) for name in ("barriers", "gates", "node_crossings") if name in options}
    network = build_network(street() if streets is None else streets, **ground)
    return assess_coverage(network, homes, posts, **options)


@pytest.mark.parametrize(
    ("key", "question"),
    [
        ("wrong_type", lambda: ask(street(walkable=["no"]))),
        ("wrong_type", lambda: ask(street(walkable=[None]))),
        ("wrong_type", lambda: ask(street(walkable=[np.nan]))),
        ("wrong_type", lambda: ask(barriers=WALL, gates=GATE.assign(open=["no"]))),
        ("wrong_type", lambda: ask(barriers=WALL, gates=GATE.assign(open=[None]))),
        ("wrong_type", lambda: ask(street(bridge=["yes"]), node_crossings=True)),
        ("wrong_type", lambda: ask(street(layer=["up"]), node_crossings=True)),
        ("wrong_type", lambda: ask(street(length_m=["long"]))),
        ("not_finite", lambda: ask(street(length_m=[np.inf]))),
        ("edge_too_short", lambda: ask(street(length_m=[-5.0]))),
        ("wrong_type", lambda: ask(homes=HOME.assign(households="x"))),
        ("missing_value", lambda: ask(homes=HOME.assign(households=np.nan))),
        ("negative_value", lambda: ask(homes=HOME.assign(households=-5))),
        ("duplicate_id", lambda: ask(homes=pd.concat([HOME, HOME]))),
        ("duplicate_id", lambda: ask(posts=pd.concat([POST, POST]).assign(station_id=[1, "1"]))),
        ("far_coordinate", lambda: ask(street((1e300, 0), (1e301, 0)))),
        ("far_coordinate", lambda: ask(homes=layer("household", shapely.Point(1e15, 0)))),
        ("bad_coordinate", lambda: ask(street((0, 0), (np.inf, 0)))),
        ("empty_geometry", lambda: ask(layer("street", shapely.LineString()))),
        ("wrong_geometry", lambda: ask(barriers=layer("barrier", shapely.Point(0, 0)))),
    ],
)
def test_what_is_wrong_in_a_layer_is_named_row_by_row(key, question):
    with pytest.raises(GridgeoError) as refusal:
        question()
    assert [fault.key for fault in refusal.value.faults] == [key]


@pytest.mark.parametrize(
    ("key", "question"),
    [
        ("bad_cutoff", lambda: ask(cutoff_m=True)),
        ("bad_cutoff", lambda: ask(cutoff_m=[300, None])),
        ("bad_cutoff", lambda: ask(cutoff_m=[])),
        ("bad_cutoff", lambda: ask(cutoff_m=-np.inf)),
        ("bad_cutoff", lambda: ask(cutoff_min=np.nan)),
        ("no_person", lambda: ask(person=5)),
        ("unknown_person", lambda: ask(person="dog")),
        ("bad_speed", lambda: ask(person=Person(name="x", speed_m_per_min=float("nan")))),
        ("bad_speed", lambda: ask(person=Person(name="x", speed_m_per_min=-5.0))),
        ("bad_max_access", lambda: build_network(street(), max_access_m=np.inf)),
        ("no_streets", lambda: ask(street((0, 0), (0, 0)))),
        ("walk_too_long", lambda: ask(street((0, 0), (3e6, 0)), layer("household", shapely.Point(2.9e6, 0)))),
        ("not_geographic_frame", lambda: ask(homes=pd.DataFrame({"household_id": [1]}))),
        ("not_geographic_frame", lambda: build_network(pd.DataFrame({"street_id": [1]}))),
        ("crs_differs", lambda: ask(homes=HOME.to_crs("EPSG:4549"))),
        ("not_metric", lambda: ask(street().to_crs(4490))),
        ("missing_column", lambda: service_areas(build_network(street()), POST.drop(columns="station_id"))),
        ("missing_column", lambda: shut_streets(ask(street().drop(columns="street_id")), ["s0"])),
        ("missing_column", lambda: change_gates(ask(gates=GATE.drop(columns="gate_id")), {"g0": False})),
        ("missing_column", lambda: add_station(ask(), POST.drop(columns="station_id"))),
    ],
)
def test_a_question_that_makes_no_sense_gets_one_sentence(key, question):
    with pytest.raises(GridgeoError) as refusal:
        question()
    assert refusal.value.key == key


def test_odd_shapes_are_walked_like_plain_ones():
    """Parts of one line, heights, measures, flags written 1 and 0."""
    line = shapely.MultiLineString([[(0, 0), (50, 0)], [(50, 0), (100, 0)]])
    high = street((0, 0, 5), (100, 0, 9))
    measured = layer("street", shapely.from_wkt("LINESTRING M (0 0 1, 100 0 2)"))
    tall = layer("household", shapely.Point(50, 3, 7))
    for streets, homes in ((layer("street", line), HOME), (high, tall), (measured, HOME), (street(walkable=[1]), HOME)):
        assert ask(streets, homes).households["distance_m"].tolist() == [53.0]
    assert ask(cutoff_m=np.array([300.0, 500.0])).cutoffs_m == (300.0, 500.0)
    assert ask(street(length_m=[None])).households["distance_m"].tolist() == [53.0]
    assert len(service_areas(build_network(street()), POST, cutoffs_m=300)) == 1


def test_who_stands_exactly_on_a_wall_or_in_a_gate_may_go_either_way():
    """The wall runs along y=2 with a gate at (50, 2); the street along y=0."""
    homes = layer("household", *map(shapely.Point, [(10, 2), (10, 3), (50, 2), (50, 5), (50, 1)]))
    opened = ask(homes=homes, barriers=WALL, gates=GATE).households
    # From (10, 3) to the gate, down to (50, 0) and back along the street.
    through = float(np.hypot(40, 1)) + 2 + 50
    assert opened["distance_m"].tolist() == pytest.approx([12, through, 52, 55, 51], abs=0.002)
    shut = ask(homes=homes, barriers=WALL, gates=GATE.assign(open=False)).households
    assert shut["distance_m"].tolist() == [12.0, np.inf, 52.0, np.inf, 51.0]
    post = layer("station", shapely.Point(10, 2))
    assert ask(posts=post, homes=homes.iloc[[4]], barriers=WALL).households["distance_m"].tolist() == [43.0]
