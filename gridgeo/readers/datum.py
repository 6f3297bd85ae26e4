"""In which datum a file's coordinates are, told by how its points sit on streets and buildings.

Degrees taken for WGS 84 that are GCJ-02 or BD-09 lie 100 to 1,000 m off, which no range check sees. But households
stand in buildings and addresses along streets: under the right hypothesis points lie where random points would not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS

from gridgeo.crs import require_metric, to_metric
from gridgeo.errors import CRSError
from gridgeo.readers.coordinates import find_axes, nearest_zones, to_degrees, zone_crs
from gridgeo.shifts import DATUMS, Datum

Floats = NDArray[np.float64]

_RANDOM_POINTS = 4000
# More points than this tell nothing more; so many are drawn, the same each time.
_MOST_POINTS = 2000
_SEED = 20_260
_FAR_M = 300.0
# Points that lie anywhere score 1, with a standard error of one over the root of their number; see `_surprise`. These
# limits were set on the two bundled places: see tests/test_readers_datum.py.
_CLEAR_LEAD = 0.3
_CLEAR_ERRORS = 2.5
_MIXED_SHARE = 0.03
_MIXED_LEAD = 0.15
_MIXED_ERRORS = 3.0


@dataclass(frozen=True)
class Hypothesis:
    """One way to read the coordinates, and how the points then lie.

    Parameters
    ----------
    name : str
        ``wgs84``, ``gcj02``, ``bd09`` or the name of a CGCS2000 zone.
    datum : str, optional
        For degrees: which.
    crs : pyproj.CRS, optional
        For metres: which zone.
    street_m, building_m : float
        Median distance of the points to the nearest street and building, in metres; infinite without such a layer.
    inside : float
        Share of the points in the district.
    score : float
        How much better the points fit than random ones, which score about 1.
    """

    name: str
    datum: Datum | None
    crs: CRS | None
    street_m: float
    building_m: float
    inside: float
    score: float


@dataclass(frozen=True)
class Detection:
    """What was found out about a file's coordinates.

    Parameters
    ----------
    hypotheses : tuple of Hypothesis
        All that were tried, the best first.
    swapped : bool
        Whether the first column is the north.
    clear : bool
        Whether the best is clearly the best; otherwise a person must say.
    mixed : bool
        Whether part of the points fit another hypothesis clearly better: two sources in one file.
    """

    hypotheses: tuple[Hypothesis, ...]
    swapped: bool
    clear: bool
    mixed: bool

    @property
    def best(self) -> Hypothesis:
        """The hypothesis that fits best."""
        return self.hypotheses[0]

    def table(self) -> pd.DataFrame:
        """Return the hypotheses as a table to show.

        Returns
        -------
        DataFrame
            Columns ``name``, ``street_m``, ``building_m``, ``inside``, ``score``, the best first.
        """
        columns = ["name", "street_m", "building_m", "inside", "score"]
        return pd.DataFrame([{name: getattr(each, name) for name in columns} for each in self.hypotheses])


@dataclass(frozen=True)
class Surroundings:
    """What points are compared with.

    Parameters
    ----------
    crs : pyproj.CRS
        The metric system of the place.
    area : Geometry
        Its area.
    trees : dict
        ``street_m``, ``building_m`` → the layer, to be asked for what is nearest.
    chance : dict
        The same → how far from it random points of the area lie, in metres, sorted.
    """

    crs: CRS
    area: shapely.Geometry
    trees: dict[str, shapely.STRtree]
    chance: dict[str, Floats]


def detect_datum(
    x: ArrayLike,
    y: ArrayLike,
    *,
    district: gpd.GeoDataFrame | gpd.GeoSeries,
    streets: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
) -> Detection:
    """Find out in which datum, axis order and zone points are given.

    Parameters
    ----------
    x, y : array_like of float, length n
        The two coordinate columns as they came.
    district : GeoDataFrame or GeoSeries of polygons
        The place, in any system it states.
    streets, buildings : GeoDataFrame, optional
        What is known to lie right, in metres and one system; at least one of the two.

    Returns
    -------
    Detection
        Every hypothesis with its median offsets; whether the best is clear, and whether the file is a mixture.

    Raises
    ------
    CRSError
        If the numbers are no coordinates (`gridgeo.readers.coordinates.find_axes`), or a layer is not in metres.
    """
    return detect_beside(x, y, survey_place(district=district, streets=streets, buildings=buildings))


def survey_place(
    *,
    district: gpd.GeoDataFrame | gpd.GeoSeries,
    streets: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
) -> Surroundings:
    """Measure how far from streets and buildings points lie that lie anywhere.

    Parameters
    ----------
    district, streets, buildings : GeoDataFrame
        As for `detect_datum`.

    Returns
    -------
    Surroundings
        What the points of any number of files are compared with.

    Raises
    ------
    CRSError
        If there is neither a street nor a building, or a layer is not in metres.
    """
    layers = {"street_m": streets, "building_m": buildings}
    known = {name: layer for name, layer in layers.items() if layer is not None and len(layer)}
    if not known:
        raise CRSError("nothing_beside")
    crs = CRS.from_user_input(next(iter(known.values())).crs)
    for name, layer in known.items():
        require_metric(layer, layer=name.removesuffix("_m") + "s", crs=crs)
    area = shapely.union_all(to_metric(district, crs, layer="boundary").geometry.to_numpy())
    anywhere = _random_points(area)
    trees = {name: shapely.STRtree(layer.geometry.to_numpy()) for name, layer in known.items()}
    chance = {name: np.sort(_distances(tree, anywhere)) for name, tree in trees.items()}
    return Surroundings(crs, area, trees, chance)


def detect_beside(x: ArrayLike, y: ArrayLike, around: Surroundings) -> Detection:
    """Do what `detect_datum` does where the place is surveyed already.

    Parameters
    ----------
    x, y : array_like of float, length n
        The two coordinate columns as they came.
    around : Surroundings
        From `survey_place`.

    Returns
    -------
    Detection
        As of `detect_datum`.

    Raises
    ------
    CRSError
        If the numbers are no coordinates.
    """
    axes = find_axes(x, y)
    east, north = np.asarray(x, dtype="float64"), np.asarray(y, dtype="float64")
    if axes.swapped:
        east, north = north, east
    sound = np.flatnonzero(np.isfinite(east) & np.isfinite(north))
    if len(sound) > _MOST_POINTS:
        sound = np.sort(np.random.default_rng(_SEED).choice(sound, _MOST_POINTS, replace=False))
    east, north = east[sound], north[sound]
    found, fits = [], []
    for name, datum, zone in _candidates(axes.kind, axes.zone, around.area, around.crs):
        points = _points(east, north, datum, zone, around.crs)
        away = {layer: _distances(tree, points) for layer, tree in around.trees.items()}
        fit = {layer: _surprise(away[layer], around.chance[layer]) for layer in away}
        best_layer = max(fit, key=lambda layer: float(fit[layer].mean()))
        fits.append(fit)
        found.append(
            Hypothesis(
                name=name,
                datum=datum,
                crs=zone,
                street_m=_median(away.get("street_m")),
                building_m=_median(away.get("building_m")),
                inside=float(shapely.intersects(around.area, points).mean()),
                score=float(fit[best_layer].mean()),
            )
        )
    return _judge(found, fits, swapped=axes.swapped)


def _candidates(
    kind: str, zone: int | None, area: shapely.Geometry, crs: CRS
) -> Iterator[tuple[str, Datum | None, CRS | None]]:
    if kind == "degrees":
        yield from ((datum, datum, None) for datum in DATUMS)
        return
    middle = gpd.GeoSeries([shapely.centroid(area)], crs=crs).to_crs(4490).iloc[0]
    zones = [zone_crs(zone)] if zone is not None else nearest_zones(middle.x)
    yield from ((each.name, None, each) for each in zones)


def _points(east: Floats, north: Floats, datum: Datum | None, zone: CRS | None, crs: CRS) -> NDArray[np.object_]:
    lon, lat = to_degrees(east, north, datum=datum, crs=zone)
    return np.asarray(to_metric(gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=4326), crs).to_numpy(), dtype=object)


def _distances(tree: shapely.STRtree, points: NDArray[np.object_]) -> Floats:
    """Return each point's distance to the nearest geometry, and `_FAR_M` for all that is further."""
    distance = np.full(len(points), _FAR_M)
    sound = np.flatnonzero(np.isfinite(shapely.get_x(points)) & np.isfinite(shapely.get_y(points)))
    (at, _), away = tree.query_nearest(points[sound], max_distance=_FAR_M, return_distance=True, all_matches=False)
    distance[sound[at]] = away
    return distance


def _random_points(area: shapely.Geometry) -> NDArray[np.object_]:
    """Return points anywhere in the district, the same each time."""
    rng = np.random.default_rng(_SEED)
    west, south, east, north = shapely.bounds(area)
    shapely.prepare(area)
    x, y = rng.uniform(west, east, 20 * _RANDOM_POINTS), rng.uniform(south, north, 20 * _RANDOM_POINTS)
    inside = np.flatnonzero(shapely.contains_xy(area, x, y))[:_RANDOM_POINTS]
    return np.asarray(shapely.points(x[inside], y[inside]), dtype=object)


def _surprise(away: Floats, chance: Floats) -> Floats:
    """Return how unlikely it is that a random point lies as near: minus the logarithm of that share.

    Of random points its mean is about 1 (a standard exponential); points in buildings, where a random point falls one
    time in six, average about 1.8.
    """
    share = np.searchsorted(chance, away, side="right") / len(chance)
    return np.asarray(-np.log(np.maximum(share, 1 / len(chance))), dtype="float64")


def _median(away: Floats | None) -> float:
    return float("inf") if away is None or len(away) == 0 else float(np.median(away))


def _judge(found: list[Hypothesis], fits: list[dict[str, Floats]], *, swapped: bool) -> Detection:
    order = sorted(range(len(found)), key=lambda at: -found[at].score)
    best, layer = order[0], max(fits[order[0]], key=lambda name: float(fits[order[0]][name].mean()))
    # All are compared on the layer that the best one fits best: households on buildings, addresses on streets.
    own, others = fits[best][layer], [fits[other][layer] for other in order[1:]]
    gain = float(own.mean()) - 1.0
    runner_up = max((float(fit.mean()) - 1.0 for fit in others), default=0.0)
    lead = gain - max(runner_up, 0.0)
    clear = lead > max(_CLEAR_LEAD, _CLEAR_ERRORS / np.sqrt(max(len(own), 1))) and runner_up < gain / 2
    mixed = any(_is_mixture(own, fit) for fit in others)
    return Detection(tuple(found[at] for at in order), swapped, bool(clear and not mixed), mixed)


def _is_mixture(best: Floats, other: Floats) -> bool:
    """Tell whether the points that fit the best hypothesis badly fit another one better than random points would."""
    poor = best < 1.0
    if poor.mean() < _MIXED_SHARE or poor.sum() <= 1:
        return False
    second = other[poor]
    return bool(second.mean() - 1.0 > max(_MIXED_LEAD, _MIXED_ERRORS / np.sqrt(len(second))))
