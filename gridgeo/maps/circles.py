"""The circles that are easily taken for one another: the radius on paper, the walk, and how often they overlap."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import numpy.typing as npt

from gridgeo.coverage.measures import inside_on_paper
from gridgeo.coverage.wording import word_cutoff
from gridgeo.maps import palette
from gridgeo.maps.features import Look, MapLayer, both, encode_geometry, in_every_language, to_degrees
from gridgeo.maps.ground import names_of

if TYPE_CHECKING:
    from gridgeo.coverage import Coverage

MOST_STATIONS = 3
"""From this many stations on, the overlap is not told apart any further."""


def circle_layer(coverage: Coverage, radius_m: float) -> MapLayer:
    """Draw the straight-line radius around every station that counts (服务半径).

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    radius_m : float
        The radius in metres.

    Returns
    -------
    MapLayer
        A circle a station.
    """
    stations = coverage.stations
    circles = gpd.GeoSeries(stations.geometry.buffer(radius_m, quad_segs=24), crs=stations.crs)
    name = both("layer.circles", radius=f"{radius_m:g}")
    return MapLayer(
        layer_id="circles",
        name=name,
        group="results",
        kind="polygons",
        geometry=encode_geometry(to_degrees(circles)),
        looks=(Look(name=name, style=palette.CIRCLE),),
        look_of=[0] * len(stations),
        titles=names_of(stations, "station_id"),
        hover=False,
    )


def paper_looks(coverage: Coverage, radius_m: float) -> tuple[list[Look], npt.NDArray[np.int64]]:
    """Tell households that can walk from those that are covered on paper only.

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    radius_m : float
        The straight-line radius in metres.

    Returns
    -------
    looks : list of Look
        Covered on foot, on paper only, not covered.
    look_of : ndarray of int64, shape (households,)
        Which each household has.
    """
    cutoff = in_every_language(partial(word_cutoff, coverage))
    looks = [
        Look(name=both("class.within", cutoff=cutoff), style=palette.HOUSEHOLD_WITHIN[0]),
        Look(name=both("class.paper", radius=f"{radius_m:g}"), style=palette.HOUSEHOLD_PAPER),
        Look(name=both("class.beyond", cutoff=cutoff), style=palette.HOUSEHOLD_BEYOND),
    ]
    look_of = np.where(coverage.covered, 0, np.where(inside_on_paper(coverage, radius_m), 1, 2))
    return looks, look_of.astype(np.int64)


def overlap_looks(coverage: Coverage) -> tuple[list[Look], npt.NDArray[np.int64]]:
    """Tell households by how many stations they can walk to (重复投入).

    Parameters
    ----------
    coverage : Coverage
        The coverage.

    Returns
    -------
    looks : list of Look
        None, one, two, three or more stations.
    look_of : ndarray of int64, shape (households,)
        Which each household has.
    """
    looks = [
        Look(name=both(f"class.stations_{count}"), style=style) for count, style in enumerate(palette.HOUSEHOLD_OVERLAP)
    ]
    return looks, np.minimum(coverage.households["n_stations"].to_numpy(dtype=np.int64), MOST_STATIONS)
