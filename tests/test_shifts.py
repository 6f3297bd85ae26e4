"""GCJ-02 and BD-09: round trips below a millimetre, agreement with an independent package, places not shifted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridgeo.errors import CRSError
from gridgeo.shifts import DATUMS, is_shifted, shift

# WGS 84 → GCJ-02, BD-09; then the same numbers taken as GCJ-02 → WGS 84 and as BD-09 → WGS 84, GCJ-02.
# Worked out with the package coord-convert 0.2.1, which gridgeo does not use.
REFERENCE = np.array(
    [
        [
            116.404, 39.915, 116.41024449916938, 39.91640428150164,
            116.41662724378733, 39.922699552216216, 116.3977557546871, 39.91359623568433,
            116.39138609591716, 39.90725543297976, 116.39762729119315, 39.90865673957631,
        ],
        [
            114.06, 22.55, 114.06511680629505, 22.54728692636073,
            114.07166991750863, 22.552954543646933, 114.05488908271771, 22.552721948230857,
            114.04834959765813, 22.547060885052588, 114.05345082759551, 22.544325416697436,
        ],
        [
            121.47, 31.23, 121.47453490044272, 31.22806748194233,
            121.48107620808638, 31.233986715638544, 121.46545087598015, 31.231919873721466,
            121.45894532817906, 31.225780515539437, 121.46351284611374, 31.223873628259813,
        ],
        [
            87.6, 43.8, 87.60283897227161, 43.80121203029208,
            87.60921015182171, 43.80747250765041, 87.59716115824617, 43.79878744825191,
            87.5907892708694, 43.79253810313669, 87.5936293737154, 43.793755055800084,
        ],
        [
            126.6, 45.75, 126.60591024103101, 45.751913682164364,
            126.61229821979313, 45.75828222092715, 126.59409003948846, 45.74808573286738,
            126.58769993374828, 45.741717762430554, 126.59361147099453, 45.74363553887904,
        ],
        [
            104.07, 30.57, 104.07251092899537, 30.56754939702948,
            104.07900391895542, 30.573502877478475, 104.06749328709957, 30.57245302394701,
            104.06105493310022, 30.566366019182215, 104.06354885762384, 30.563901148831626,
        ],
        [
            110.35, 20.02, 110.35441101881037, 20.017997369021984,
            110.36093679366026, 20.023752903818988, 110.3455980831116, 20.02201202468064,
            110.33907269098744, 20.016348216010858, 110.34346021180426, 20.01432897867814,
        ],
        [
            91.1, 29.65, 91.10156828347536, 29.647300329055074,
            91.10803737407012, 29.653419415608894, 91.09843164891454, 29.652698979441833,
            91.09199672091819, 29.64649220295346, 91.09356367005431, 29.643790909041392,
        ],
        [
            113.8, 23.0, 113.80511526660675, 22.99722515964507,
            113.81164896500499, 23.002979182097874, 113.7948727726182, 23.00276575271767,
            113.78835976713164, 22.996824072921314, 113.79350054649927, 22.994064862280386,
        ],
    ]
)  # fmt: skip
MILLIMETRE = 1e-3
UNSHIFTED = {
    "Hong Kong": (114.17, 22.30),
    "Macau": (113.55, 22.19),
    "Taipei": (121.5, 25.03),
    "Kaohsiung": (120.3, 22.6),
    "Tokyo": (139.7, 35.7),
    "Sydney": (151.2, -33.9),
}


def metres(lon, lat, lon2, lat2):
    return np.hypot((lon2 - lon) * 111_320 * np.cos(np.radians(lat)), (lat2 - lat) * 110_574)


# The package does not repeat Baidu's backward step and loses up to 9 cm there: its own way back does not return.
@pytest.mark.parametrize(
    ("source", "target", "at", "tolerance_m"),
    [
        ("wgs84", "gcj02", 2, MILLIMETRE),
        ("wgs84", "bd09", 4, MILLIMETRE),
        ("gcj02", "wgs84", 6, MILLIMETRE),
        ("bd09", "wgs84", 8, 0.1),
        ("bd09", "gcj02", 10, 0.1),
    ],
)
def test_agrees_with_an_independent_package(source, target, at, tolerance_m):
    lon, lat = shift(REFERENCE[:, 0], REFERENCE[:, 1], source, target)
    assert metres(lon, lat, REFERENCE[:, at], REFERENCE[:, at + 1]).max() < tolerance_m


@given(
    st.lists(st.tuples(st.floats(73.5, 135), st.floats(18, 53.5)), min_size=1, max_size=50),
    st.sampled_from([(a, b) for a in DATUMS for b in DATUMS]),
)
def test_there_and_back_is_the_same_place(places, datums):
    lon, lat = np.array(places).T
    # On the very edge of the ground that is not shifted one map position stands for two places.
    mainland = ~((lon > 113) & (lon < 123) & (lat > 21) & (lat < 26))
    lon, lat = lon[mainland], lat[mainland]
    there = shift(lon, lat, datums[0], datums[1])
    back = shift(*there, datums[1], datums[0])
    assert (metres(lon, lat, *back) < MILLIMETRE).all()


def test_there_and_back_over_all_of_china():
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(73.5, 135, 100_000), rng.uniform(18, 53.5, 100_000)
    keep = is_shifted(lon, lat)
    lon, lat = lon[keep], lat[keep]
    for datum in ("gcj02", "bd09"):
        shifted = shift(lon, lat, "wgs84", datum)
        assert metres(lon, lat, *shifted).min() > 10
        assert metres(lon, lat, *shift(*shifted, datum, "wgs84")).max() < MILLIMETRE


def test_shenzhen_is_shifted_up_to_the_river_and_comes_back():
    # Futian, Luohu, Liantang, Shatoujiao, Shekou, Nanwan: all north of the border.
    lon = np.array([114.06, 114.12, 114.17, 114.235, 113.92, 114.14])
    lat = np.array([22.53, 22.545, 22.566, 22.558, 22.49, 22.65])
    assert is_shifted(lon, lat).all()
    assert metres(lon, lat, *shift(*shift(lon, lat, "wgs84", "gcj02"), "gcj02", "wgs84")).max() < MILLIMETRE


@pytest.mark.parametrize("place", UNSHIFTED)
def test_not_shifted_elsewhere(place):
    lon, lat = UNSHIFTED[place]
    assert not is_shifted(lon, lat)
    assert shift([lon], [lat], "wgs84", "gcj02") == (lon, lat)
    assert shift([lon], [lat], "gcj02", "wgs84") == (lon, lat)


def test_shapes_and_gaps_are_kept():
    lon, lat = shift([116.4, np.nan, np.inf], [39.9, 39.9, 39.9], "wgs84", "gcj02")
    assert np.isnan(lon).tolist() == np.isnan(lat).tolist() == [False, True, True]
    given_lon = np.array([116.4])
    shift(given_lon, np.array([39.9]), "wgs84", "bd09")
    assert given_lon[0] == 116.4
    assert shift([], [], "wgs84", "gcj02")[0].shape == (0,)


def test_what_is_refused():
    with pytest.raises(CRSError):
        shift([1], [1], "wgs84", "mars")
    with pytest.raises(CRSError):
        shift([1, 2], [1], "wgs84", "gcj02")
