"""Access legs on drawings: walls, gates, and who can see a street."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.errors import GridgeoError
from gridgeo.network import build_network, set_gates
from gridgeo.network.access import snap_points

CRS = "EPSG:4527"


def lines(*shapes):
    return gpd.GeoDataFrame(geometry=[shapely.LineString(shape) for shape in shapes], crs=CRS)


def gate(*xy, is_open=True):
    ids = [f"g{number}" for number in range(len(xy))]
    return gpd.GeoDataFrame({"gate_id": ids, "open": is_open}, geometry=list(shapely.points(xy)), crs=CRS)


def legs(network, *xy):
    access = snap_points(network, np.array(xy, dtype=float))
    return np.where(access.snapped, access.leg / 2**18, np.inf)


def test_a_leg_goes_to_the_nearest_position_on_an_edge_not_to_a_node():
    network = build_network(lines([(0, 0), (1000, 0)]))
    access = snap_points(network, np.array([(400.0, 30.0)]))
    assert access.leg[0] / 2**18 == 30
    assert access.along[0] / 2**18 == 400


def test_a_wall_sends_the_leg_to_the_nearest_street_in_sight():
    """The street at y=0 lies behind a wall at y=10; the one at y=-... the household walks to the one at y=60.

    street --------------------- y=60
                 h               y=20
    wall     =========           y=10  (x from 20 to 80)
    street --------------------- y=0
    """
    streets = lines([(0, 0), (100, 0)], [(0, 60), (100, 60)])
    walled = build_network(streets, barriers=lines([(20, 10), (80, 10)]))
    assert legs(walled, (50, 20)) == pytest.approx([40])
    assert legs(build_network(streets), (50, 20)) == pytest.approx([20])


def test_a_leg_may_pass_a_walls_tip():
    """Past the tip at (80, 10), seen from (70, 20), the street at y=0 is met at (90, 0)."""
    walled = build_network(lines([(0, 0), (100, 0)]), barriers=lines([(-500, 10), (80, 10)]))
    assert legs(walled, (70, 20)) == pytest.approx([np.hypot(20, 20)], abs=1e-4)


def test_a_wall_drawn_in_pieces_hides_what_one_piece_hides():
    walled = build_network(lines([(0, 0), (100, 0)]), barriers=lines([(-500, 10), (70, 10), (80, 10)]))
    assert legs(walled, (70, 20)) == pytest.approx([np.hypot(20, 20)], abs=1e-4)


def compound(**gates):
    """Walls of 100 by 100 m, a street along its south 20 m away, another 150 m to its north."""
    yard = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 100, 100)], crs=CRS)
    return build_network(lines([(-100, -20), (200, -20)], [(-100, 250), (200, 250)]), barriers=yard, **gates)


def test_who_lives_behind_walls_without_a_gate_is_unsnapped():
    assert legs(compound(), (50, 50)) == [np.inf]


def test_an_open_gate_lets_through_and_a_closed_one_does_not():
    """From (50, 50) to the gate at (50, 0): 50 m, and 20 m on to the street."""
    network = compound(gates=gate((50, 0)))
    assert legs(network, (50, 50)) == pytest.approx([70])
    assert legs(set_gates(network, {"g0": False}), (50, 50)) == [np.inf]
    assert legs(compound(gates=gate((50, 0), is_open=False)), (50, 50)) == [np.inf]


def test_of_two_gates_the_shorter_way_counts():
    network = compound(gates=gate((0, 50), (90, 0)))
    assert legs(network, (50, 50)) == pytest.approx([np.hypot(40, 50) + 20], abs=1e-4)


def test_no_leg_is_longer_than_allowed_also_through_a_gate():
    yard = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 100, 100)], crs=CRS)
    network = build_network(lines([(0, -20), (9, -20)]), barriers=yard, gates=gate((5, 0)), max_access_m=60)
    assert legs(network, (5, 39), (5, 41)) == pytest.approx([59, np.inf])


def test_a_river_does_not_let_anyone_through_because_a_street_lies_behind_it():
    river = gpd.GeoDataFrame({"barrier_kind": ["water"]}, geometry=[shapely.box(-500, 10, 500, 40)], crs=CRS)
    network = build_network(lines([(0, 0), (100, 0)]), barriers=river)
    assert legs(network, (50, 50), (50, 5)) == pytest.approx([np.inf, 5])


def test_a_street_along_a_barrier_can_be_reached():
    """The wall stands exactly on the street's line: one walks up to it, not through it."""
    network = build_network(lines([(0, 0), (100, 0)]), barriers=lines([(0, 0), (100, 0)]))
    assert legs(network, (50, 30), (50, -30)) == pytest.approx([30, 30])


def test_points_that_are_none_are_refused():
    network = build_network(lines([(0, 0), (100, 0)]))
    for bad in (np.array([[np.nan, 0.0]]), gpd.GeoSeries([None], crs=CRS), gpd.GeoSeries([shapely.Point()], crs=CRS)):
        with pytest.raises(GridgeoError):
            snap_points(network, bad)
    with pytest.raises(GridgeoError):
        build_network(lines([(0, 0), (9, 0)]), barriers=lines([(0, 0), (1, 1)]).to_crs("EPSG:4490"))
