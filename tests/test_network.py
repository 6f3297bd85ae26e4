"""Networks from drawings."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.errors import GridgeoError
from gridgeo.network import build_network, close_streets, set_gates

CRS = "EPSG:4527"


def streets(*lines, **columns):
    ids = [f"s{number}" for number in range(len(lines))]
    return gpd.GeoDataFrame(
        {"street_id": ids, **columns}, geometry=[shapely.LineString(line) for line in lines], crs=CRS
    )


def metres(network):
    return (network.edge_cost / 2**18).tolist()


def test_runs_without_a_branch_become_one_edge():
    """A T of three arms, each drawn of several lines: 4 nodes, 3 edges."""
    network = build_network(
        streets([(0, 0), (10, 0)], [(20, 0), (10, 0)], [(20, 0), (20, 5), (20, 30)], [(20, 0), (50, 0)])
    )
    assert (network.nodes, network.edges) == (4, 3)
    assert sorted(metres(network)) == [20.0, 30.0, 30.0]


def test_a_ring_without_a_branch_has_one_node():
    network = build_network(streets([(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]))
    assert (network.nodes, network.edges) == (1, 1)
    assert metres(network) == [40.0]


def test_order_and_direction_of_drawing_do_not_matter():
    rng = np.random.default_rng(7)
    lines = [rng.integers(0, 6, size=(4, 2)) * 10.0 for _ in range(30)]
    one = build_network(streets(*lines))
    other = build_network(streets(*[line[::-1] for line in lines][::-1]))
    for name in ("node_xy", "edge_u", "edge_v", "edge_cost", "segment_xy", "segment_edge", "segment_from"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_islands_are_numbered_by_length():
    network = build_network(streets([(0, 0), (10, 0)], [(0, 50), (100, 50)]))
    island = network.island_of_node
    assert island[network.node_xy[:, 1] == 50].tolist() == [0, 0]
    assert island[network.node_xy[:, 1] == 0].tolist() == [1, 1]


def test_a_told_length_replaces_the_drawn_one_but_not_below_the_chord():
    assert metres(build_network(streets([(0, 0), (30, 40)], length_m=[60.0]))) == [60.0]
    assert metres(build_network(streets([(0, 0), (30, 40)], length_m=[np.nan]))) == [50.0]
    with pytest.raises(GridgeoError) as refusal:
        build_network(streets([(0, 0), (30, 40)], length_m=[49.0]))
    assert refusal.value.faults[0].row == 1


def test_a_closed_gate_on_a_street_cuts_it():
    lines = streets([(0, 0), (100, 0)])
    gates = gpd.GeoDataFrame({"gate_id": ["g"], "open": [True]}, geometry=shapely.points([(40, 0.2)]), crs=CRS)
    network = build_network(lines, gates=gates)
    assert sorted(metres(network)) == [40.0, 60.0]
    assert network.nodes == 3
    shut = set_gates(network, {"g": False})
    assert shut.nodes == 4
    assert shut.island_of_node.max() == 1
    assert set_gates(shut, {"g": True}).nodes == 3
    with pytest.raises(GridgeoError):
        set_gates(network, {"x": True})


def test_a_closed_street_is_gone():
    lines = streets([(0, 0), (50, 0), (100, 0)], [(50, 0), (50, 50)])
    network = close_streets(build_network(lines), ["s1"])
    assert metres(network) == [100.0]
    with pytest.raises(GridgeoError):
        close_streets(network, ["s9"])
    with pytest.raises(GridgeoError):
        close_streets(network, ["s0"])


def test_only_walkable_rows_are_used():
    assert metres(build_network(streets([(0, 0), (9, 0)], [(0, 5), (50, 5)], walkable=[True, False]))) == [9.0]


@pytest.mark.parametrize(
    "bad",
    [
        streets(),
        streets([(0, 0), (9, 0)], walkable=[False]),
        streets([(0, 0), (0, 0)]),
        streets([(0, 0), (np.inf, 0)]),
        streets([(0, 0), (9, 0)]).to_crs("EPSG:4490"),
        streets([(0, 0), (9, 0)]).set_geometry(shapely.points([(0, 0)])).set_crs(CRS, allow_override=True),
        "streets",
    ],
)
def test_streets_that_carry_nothing_are_refused(bad):
    with pytest.raises(GridgeoError):
        build_network(bad)


@pytest.mark.parametrize("reach", [0, -5, np.nan, None])
def test_a_longest_leg_that_is_no_distance_is_refused(reach):
    with pytest.raises(GridgeoError):
        build_network(streets([(0, 0), (9, 0)]), max_access_m=reach)


def test_official_data_is_noded_level_by_level():
    """A crossing at (50, 0), a T at (80, 0) drawn 4 mm short, a bridge and a tunnel over and under (20, 0)."""
    lines = streets(
        [(0, 0), (100, 0)],
        [(50, -40), (50, 60)],
        [(80, 0.004), (80, 30)],
        [(20, -10), (20, 10)],
        [(21, -10), (21, 10)],
        bridge=[False, False, False, True, False],
        tunnel=[False, False, False, False, True],
    )
    assert build_network(lines).edges == 5
    network = build_network(lines, node_crossings=True)
    assert network.edges == 4 + 2 + 1 + 1
    assert sorted(round(length, 2) for length in metres(network)) == [20, 20, 20, 30, 30, 40, 50, 60]


def test_ends_that_nearly_meet_are_united_when_noding():
    lines = streets([(0, 0), (50, 0)], [(50.003, 0.002), (50, 40)], [(50, 0), (100, 0)])
    network = build_network(lines, node_crossings=True)
    assert network.edges == 3
    assert network.island_of_node.max() == 0


def test_noding_changes_nothing_where_all_is_noded():
    lines = streets([(0, 0), (50, 0), (100, 0)], [(50, 0), (50, 50)])
    one, other = build_network(lines), build_network(lines, node_crossings=True)
    assert np.array_equal(one.edge_cost, other.edge_cost)
    assert np.array_equal(one.segment_xy, other.segment_xy)


def test_lines_that_run_over_each_other_are_one_when_noding():
    """Two lines share the stretch from 40 to 60 without a common vertex."""
    network = build_network(streets([(0, 0), (60, 0)], [(40, 0), (100, 0)]), node_crossings=True)
    assert metres(network) == [100.0]
