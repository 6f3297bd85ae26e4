"""Coordinates as files have them: axes, zones, and the datum told by streets and buildings."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from gridgeo.errors import CRSError
from gridgeo.readers import bundled_plan_path
from gridgeo.readers.coordinates import (
    Axes,
    find_axes,
    is_north_first,
    nearest_zones,
    require_known_datum,
    to_degrees,
    zone_crs,
)
from gridgeo.readers.datum import detect_beside, detect_datum, survey_place
from gridgeo.shifts import DATUMS, shift
from gridgeo.store import read_plan


@pytest.mark.parametrize(
    ("x", "y", "axes"),
    [
        (116.32, 39.99, Axes("degrees", swapped=False)),
        (39.99, 116.32, Axes("degrees", swapped=True)),
        (442000, 4429000, Axes("zone", swapped=False)),
        (4429000, 442000, Axes("zone", swapped=True)),
        (39442000, 4429000, Axes("zone", swapped=False, zone=39)),
        (4429000, 20442000, Axes("zone", swapped=True, zone=20)),
        (38528800, 2495000, Axes("zone", swapped=False, zone=38)),
    ],
)
def test_axes_are_told_by_their_ranges(x, y, axes):
    assert find_axes([x, np.nan], [y, 3.0]) == axes


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([], []),
        ([np.nan], [1]),
        ([0, 0], [0, 0]),
        ([116.3, 4429000], [39.9, 442000]),
        ([116.3, 39.9], [39.9, 116.3]),
        ([38442000, 39442000], [4429000, 4429000]),
        ([50442000], [4429000]),
        ([-999], [-999]),
    ],
)
def test_what_is_no_one_kind_of_coordinates_is_refused(x, y):
    with pytest.raises(CRSError):
        find_axes(x, y)


@pytest.mark.parametrize(
    ("crs", "x", "y"), [(4326, -76.58, 39.29), (26985, 436_000, 180_200), (2248, 1_430_500, 591_300)]
)
def test_a_stated_system_is_taken_in_the_order_that_leads_to_the_district(crs, x, y):
    district = (-76.65, 39.22, -76.49, 39.34)
    assert not is_north_first([x, np.nan], [y, 1], crs=crs, district=district)
    assert is_north_first([y, 1], [x, np.nan], crs=crs, district=district)


def test_where_no_order_leads_to_the_district_the_ranges_tell():
    for wrong in ({"district": (-70, 39, -69, 40)}, {}):
        with pytest.raises(CRSError):
            is_north_first([-76.58], [39.29], crs=4326, **wrong)
    with pytest.raises(CRSError):
        is_north_first([-76.58, 39.29], [39.29, -76.58], crs=4326, district=(-76.65, 39.22, -76.49, 39.34))
    assert is_north_first([39.9], [116.3], datum="gcj02", district=(110, 39, 110.1, 39.1))


@given(st.floats(75, 135), st.floats(18, 53))
def test_every_place_in_china_is_recognised_in_every_form(lon, lat):
    for axes in (find_axes([lon], [lat]), find_axes([lat], [lon])):
        assert axes.kind == "degrees"
    for zone in {round(lon / 3), int(lon // 6) + 1}:
        crs = zone_crs(zone)
        east, north = Transformer.from_crs(4490, crs, always_xy=True).transform(lon, lat)
        assert find_axes([east], [north]) == Axes("zone", swapped=False, zone=zone)
        assert find_axes([north], [east]) == Axes("zone", swapped=True, zone=zone)
        back = to_degrees([east], [north], crs=crs)
        assert np.allclose([back[0][0], back[1][0]], [lon, lat], atol=1e-8)


def test_zones():
    assert zone_crs(39).name == "CGCS2000 / 3-degree Gauss-Kruger zone 39"
    assert zone_crs(20).name == "CGCS2000 / Gauss-Kruger zone 20"
    assert [crs.to_epsg() for crs in nearest_zones(116.3)] == [4548, 4547, 4549]
    with pytest.raises(CRSError):
        zone_crs(24)


@pytest.mark.parametrize("crs", [2431, 4214, 4610, 2379, "EPSG:21413"])
def test_datums_without_parameters_are_refused(crs):
    with pytest.raises(CRSError) as caught:
        to_degrees([500000], [4400000], crs=crs)
    assert caught.value.key == "datum_without_parameters"


def test_what_pyproj_does_not_know_is_refused():
    for crs in ("EPSG:0", "nonsense", None, 3.5):
        with pytest.raises(CRSError):
            require_known_datum(crs)


@pytest.fixture(scope="module", params=["qinghuayuan", "nanshan"])
def plan(request):
    return read_plan(bundled_plan_path(request.param))


def houses(plan, count, rng):
    """Residential buildings, drawn at random."""
    buildings = plan.buildings.set_index("building_id").geometry[plan.households["household_id"]].to_numpy()
    return buildings[rng.integers(len(buildings), size=count)]


def homes(plan, count, rng):
    """Points anywhere in residential buildings."""
    found = np.empty((0, 2))
    while len(found) < count:
        buildings = houses(plan, 2 * count, rng)
        bounds = shapely.bounds(buildings)
        points = rng.uniform(bounds[:, :2], bounds[:, 2:])
        found = np.concatenate([found, points[shapely.intersects_xy(buildings, points[:, 0], points[:, 1])]])
    return found[:count]


def centroids(plan, count, rng):
    """The middles of residential buildings, which a building may have outside of it."""
    return shapely.get_coordinates(shapely.centroid(houses(plan, count, rng)))


def addresses(plan, count, rng):
    """Points along streets, some metres off."""
    streets = plan.streets[plan.streets["walkable"]].geometry
    lines = streets[streets.intersects(plan.district)].to_numpy()
    length = shapely.length(lines)
    chosen = rng.choice(len(lines), count, p=length / length.sum())
    points = shapely.line_interpolate_point(lines[chosen], rng.uniform(0, 1, count), normalized=True)
    return shapely.get_coordinates(points) + rng.normal(0, 5, (count, 2))


def degrees(plan, points):
    return Transformer.from_crs(plan.crs, 4490, always_xy=True).transform(points[:, 0], points[:, 1])


def layers(plan):
    district = gpd.GeoSeries([plan.district], crs=plan.crs)
    return {"district": district, "streets": plan.streets, "buildings": plan.buildings}


SURVEYED = {}


def detect(plan, x, y):
    """What `detect_datum` finds, which surveys the place anew each time."""
    if plan.bases not in SURVEYED:
        SURVEYED[plan.bases] = survey_place(**layers(plan))
    return detect_beside(x, y, SURVEYED[plan.bases])


def test_a_place_that_is_surveyed_once_tells_of_every_file_what_it_tells_of_one(plan):
    for make in (homes, addresses):
        lon, lat = degrees(plan, make(plan, 50, np.random.default_rng(50)))
        assert detect(plan, lon, lat) == detect_datum(lon, lat, **layers(plan))


@pytest.mark.parametrize("make", [homes, centroids, addresses])
@pytest.mark.parametrize("count", [50, 500, 5000])
def test_the_datum_of_degrees_is_found(plan, make, count):
    lon, lat = degrees(plan, make(plan, count, np.random.default_rng(count)))
    for datum in DATUMS:
        found = detect(plan, *shift(lon, lat, "wgs84", datum))
        assert (found.best.name, found.clear, found.mixed, found.swapped) == (datum, True, False, False)
        table = found.table()
        # The right reading is the nearest on what the points stand on: in buildings, or along streets.
        layer = "street_m" if make is addresses else "building_m"
        assert table[layer].idxmin() == 0
        assert table[layer][0] < 6


@pytest.mark.parametrize("make", [homes, addresses])
@pytest.mark.parametrize("count", [50, 500])
def test_points_twenty_metres_off_are_understood_or_asked_about_but_never_misread(plan, make, count):
    rng = np.random.default_rng(count)
    lon, lat = degrees(plan, make(plan, count, rng) + rng.normal(0, 20, (count, 2)))
    for datum in DATUMS:
        found = detect(plan, *shift(lon, lat, "wgs84", datum))
        assert found.best.name == datum or not found.clear
        assert not found.mixed


@pytest.mark.parametrize("datum", DATUMS)
def test_the_corners_of_areas_tell_their_datum_as_points_do(plan, datum):
    lon, lat = degrees(plan, shapely.get_coordinates(plan.buildings.geometry.to_numpy()))
    found = detect(plan, *shift(lon, lat, "wgs84", datum))
    assert (found.best.name, found.clear) == (datum, True)


@pytest.mark.parametrize("count", [50, 500, 5000])
def test_the_zone_of_metres_is_found_in_both_axis_orders(plan, count):
    points = homes(plan, count, np.random.default_rng(count))
    lon, lat = degrees(plan, points)
    found = detect(plan, points[:, 1], points[:, 0])
    assert (found.best.crs, found.clear, found.swapped) == (plan.crs, True, True)
    zone = zone_crs(39 if lon[0] > 115.5 else 38)
    found = detect(plan, *Transformer.from_crs(4490, zone, always_xy=True).transform(lon, lat))
    assert (found.best.crs, found.clear, found.swapped) == (zone, True, False)


def mixture(plan, make, count, datums, share):
    """Points of which the share is in the first datum and the rest in the second, shuffled."""
    rng = np.random.default_rng(count)
    lon, lat = degrees(plan, make(plan, count, rng))
    first = rng.permutation(count) < share * count
    one, two = (shift(lon, lat, "wgs84", datum) for datum in datums)
    return np.where(first, one[0], two[0]), np.where(first, one[1], two[1])


@pytest.mark.parametrize("make", [homes, addresses])
@pytest.mark.parametrize("count", [50, 500, 5000])
@pytest.mark.parametrize("datums", [("wgs84", "gcj02"), ("gcj02", "bd09"), ("wgs84", "bd09")])
def test_half_and_half_is_never_clear(plan, make, count, datums):
    assert not detect(plan, *mixture(plan, make, count, datums, 0.5)).clear


@pytest.mark.parametrize("make", [homes, centroids, addresses])
@pytest.mark.parametrize(("count", "share"), [(500, 0.7), (5000, 0.9)])
@pytest.mark.parametrize("datums", [("wgs84", "gcj02"), ("gcj02", "wgs84")])
def test_a_smaller_part_in_another_datum_is_seen(plan, make, count, share, datums):
    assert detect(plan, *mixture(plan, make, count, datums, share)).mixed


def test_degrees_and_metres_and_two_ways_of_writing_metres_in_one_file_are_refused(plan):
    points = homes(plan, 50, np.random.default_rng(1))
    lon, lat = degrees(plan, points)
    prefixed = Transformer.from_crs(4490, zone_crs(39 if lon[0] > 115.5 else 38), always_xy=True).transform(lon, lat)
    ways = [(lon, lat), (points[:, 0], points[:, 1]), prefixed]
    for one, two in itertools.combinations(ways, 2):
        half = [np.where(np.arange(50) % 2, one[axis], two[axis]) for axis in (0, 1)]
        with pytest.raises(CRSError):
            detect(plan, *half)


def test_points_anywhere_are_never_clear(plan):
    rng = np.random.default_rng(5)
    west, south, east, north = plan.district.bounds
    lon, lat = degrees(plan, rng.uniform((west, south), (east, north), (500, 2)))
    assert not detect(plan, lon, lat).clear


def test_without_anything_to_compare_nothing_is_told(plan):
    with pytest.raises(CRSError):
        detect_datum([116.3], [39.9], district=gpd.GeoSeries([plan.district], crs=plan.crs))
