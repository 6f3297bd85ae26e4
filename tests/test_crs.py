"""Which metric system a place is worked in, and what is refused."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gridgeo.crs import is_metric, metric_crs, require_metric, to_metric
from gridgeo.errors import CRSError


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (116.32, 40.0, 4548),  # Beijing: 117° E
        (113.94, 22.55, 4547),  # Shenzhen: 114° E
        (120.1, 33.4, 4549),  # Yancheng: 120° E
        (74.0, 39.5, 4534),  # the far west: 75° E
        (135.0, 48.4, 4554),  # the far east: 135° E
        (-76.6, 39.3, 32618),  # Baltimore
        (8.7, 49.4, 32632),  # Heidelberg
        (151.2, -33.9, 32756),  # Sydney
        (180.0, 10.0, 32601),  # where the zones begin again
    ],
)
def test_the_system_of_a_place(lon, lat, epsg):
    assert metric_crs(lon, lat).to_epsg() == epsg


@given(st.floats(75, 135), st.floats(17, 54))
def test_a_metre_is_a_metre_everywhere_in_china(lon, lat):
    crs = metric_crs(lon, lat)
    factors = pyproj.Proj(crs).get_factors(lon, lat)
    assert abs(factors.meridional_scale - 1) < 3.2e-4


def points(*xy, crs):
    return gpd.GeoDataFrame(geometry=[shapely.Point(*each) for each in xy], crs=crs)


def test_projected_distances_are_those_on_the_ellipsoid():
    frame = points((116.32, 40.0), (116.325, 40.003), crs=4326)
    metric = to_metric(frame)
    *_, length = pyproj.Geod(ellps="WGS84").inv(116.32, 40.0, 116.325, 40.003)
    assert metric.geometry.iloc[0].distance(metric.geometry.iloc[1]) == pytest.approx(length, rel=5e-5)
    assert frame.crs.to_epsg() == 4326


def test_wgs84_is_taken_for_cgcs2000_without_a_shift():
    degrees = points((116.32, 40.0), crs=4326)
    same = points((116.32, 40.0), crs=4490)
    one, two = to_metric(degrees, 4548), to_metric(same, 4548)
    assert one.geometry.iloc[0].distance(two.geometry.iloc[0]) < 1e-6


def test_what_is_metric_stays():
    frame = points((500000, 4400000), crs=4548)
    assert to_metric(frame) is frame
    assert to_metric(frame, 4548) is frame
    assert require_metric(frame, layer="a", crs=4548).to_epsg() == 4548


@pytest.mark.parametrize(("crs", "metric"), [(4548, True), (32650, True), (4326, False), (2263, False), (None, False)])
def test_only_plane_metres_are_metric(crs, metric):
    assert is_metric(crs) is metric


@pytest.mark.parametrize(
    "ask",
    [
        lambda: to_metric(points((1, 1), crs=None)),
        lambda: to_metric(points((1, 1), crs=4326), 4326),
        lambda: to_metric(points(crs=4326)),
        lambda: to_metric(points((39.9, 116.3), crs=4326)),
        lambda: to_metric(gpd.GeoSeries([None], crs=4326)),
        lambda: require_metric(points((1, 1), crs=None), layer="a"),
        lambda: require_metric(points((1, 1), crs=4326), layer="a"),
        lambda: require_metric(points((1, 1), crs=4548), layer="a", crs=4547),
        lambda: require_metric(points((1, 1), crs=2263), layer="a"),
    ],
)
def test_what_is_refused(ask):
    with pytest.raises(CRSError):
        ask()


def test_feet_are_no_metres():
    assert not is_metric(2263)
    assert np.isclose(pyproj.CRS(2263).axis_info[0].unit_conversion_factor, 0.3048, rtol=1e-4)
