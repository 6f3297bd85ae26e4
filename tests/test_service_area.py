"""Service areas on drawings."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.errors import GridgeoError
from gridgeo.network import build_network
from gridgeo.service_area import service_areas

CRS = "EPSG:4527"


def network_of(*lines):
    return build_network(gpd.GeoDataFrame(geometry=[shapely.LineString(line) for line in lines], crs=CRS))


def stations_at(*xy):
    ids = [f"s{number}" for number in range(len(xy))]
    return gpd.GeoDataFrame({"station_id": ids}, geometry=list(shapely.points(xy)), crs=CRS)


def test_lines_are_cut_exactly_at_the_cutoff():
    """A station 10 m off a straight street reaches 90 m of it either way within 100 m."""
    areas = service_areas(network_of([(0, 0), (500, 0)]), stations_at((200, 10)), cutoffs_m=(100,))
    assert areas.geometry[0].equals_exact(shapely.LineString([(110, 0), (290, 0)]), 1e-4)
    assert areas["length_m"][0] == pytest.approx(180, abs=1e-4)


def test_a_ring_reached_from_both_sides_is_drawn_once():
    """A ring of 400 m: within 150 m, 300 m of it; within 250 m, all of it."""
    ring = network_of([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)])
    areas = service_areas(ring, stations_at((50, 0)), cutoffs_m=(150, 250))
    assert areas["length_m"].to_numpy() == pytest.approx([300, 400], abs=1e-4)


def test_every_station_and_cutoff_has_a_row():
    network = network_of([(0, 0), (500, 0)], [(250, 0), (250, 300)])
    areas = service_areas(network, stations_at((0, 0), (9000, 0)), cutoffs_m=(100, 300))
    assert areas["station_id"].tolist() == ["s0", "s1", "s0", "s1"]
    assert areas["cutoff_m"].tolist() == [100, 100, 300, 300]
    assert areas.geometry.is_empty.tolist() == [False, True, False, True]


def test_polygons_are_a_band_around_the_lines():
    network = network_of([(0, 0), (500, 0)])
    areas = service_areas(network, stations_at((200, 0)), cutoffs_m=(100,), kind="polygons", width_m=20)
    assert areas.geometry[0].area == pytest.approx(200 * 40, rel=1e-3)


@pytest.mark.parametrize("options", [{"kind": "circles"}, {"cutoffs_m": ()}, {"cutoffs_m": (0,)}, {"width_m": -1}])
def test_bad_options_are_refused(options):
    with pytest.raises(GridgeoError):
        service_areas(network_of([(0, 0), (9, 0)]), stations_at((0, 0)), **{"kind": "polygons"} | options)
    with pytest.raises(GridgeoError):
        service_areas(network_of([(0, 0), (9, 0)]), stations_at((0, np.nan)))


def test_isochrones_are_cut_at_the_minute():
    """An elder at 54 m/min walks 270 m in 5 minutes; on steps a third of that."""
    frame = gpd.GeoDataFrame(
        {"street_class": ["residential", "steps"]},
        geometry=[shapely.LineString([(0, 0), (500, 0)]), shapely.LineString([(0, 0), (0, 500)])],
        crs=CRS,
    )
    areas = service_areas(build_network(frame), stations_at((0, 0)), cutoffs_min=(5,), person="elder")
    assert areas["cutoff_min"].tolist() == [5]
    assert areas["length_m"].to_numpy() == pytest.approx([270 + 90], abs=1e-3)
