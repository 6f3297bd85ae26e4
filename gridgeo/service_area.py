"""Service areas: the streets within a walking distance of a station, cut exactly at the cutoff; polygons for the eye.

Whether a household is covered is never read from a polygon: see `gridgeo.coverage`.
"""

from __future__ import annotations

from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.errors import InputError, MissingDataError
from gridgeo.network import Network, Person, adapt_network, find_person
from gridgeo.network.access import Access, snap_points
from gridgeo.network.columns import require_distinct
from gridgeo.network.measure import UNIT_BITS, require_cutoffs, require_positive
from gridgeo.network.paths import cut_segments
from gridgeo.network.reach import reach_edges

POLYGON_WIDTH_M = 30.0
"""How far a polygon reaches to either side of the streets it is drawn around."""


def service_areas(
    network: Network,
    stations: gpd.GeoDataFrame,
    *,
    cutoffs_m: float | tuple[float, ...] = (300.0, 500.0),
    kind: Literal["lines", "polygons"] = "lines",
    width_m: float = POLYGON_WIDTH_M,
    cutoffs_min: float | tuple[float, ...] | None = None,
    person: Person | str | None = None,
) -> gpd.GeoDataFrame:
    """Draw what each station reaches on foot.

    Parameters
    ----------
    network : Network
        The network.
    stations : GeoDataFrame of Point
        The stations, in the network's system, named by ``station_id``.
    cutoffs_m : float or tuple of float, optional
        Walking distances in metres, the station's access leg included.
    kind : {'lines', 'polygons'}, optional
        The streets, cut exactly at the cutoff, or a band around them: a drawing, which holds some households that are
        not covered and misses some that are.
    width_m : float, optional
        Half the width of that band in metres.
    cutoffs_min : float or tuple of float, optional
        Walking times in minutes instead: isochrones (等时圈), with the person's speed, slow ground and waits.
    person : Person or str, optional
        Who walks (see `gridgeo.assess_coverage`).

    Returns
    -------
    GeoDataFrame
        ``station_id``, ``cutoff_m``, ``length_m`` of street, ``geometry``: one row per cutoff and station, cutoffs in
        the order given; a station that reaches no street has an empty geometry. With `cutoffs_min` also
        ``cutoff_min``; ``cutoff_m`` is then what the person walks on the level in that time.

    Raises
    ------
    MissingDataError
        If there is no station.
    InputError
        If `kind` is neither, or a number is not above zero.
    CRSError
        If the stations are not in the network's system.
    """
    if len(stations) == 0:
        raise MissingDataError("missing_layer", layer="stations")
    if kind not in ("lines", "polygons"):
        raise InputError("unknown_kind", value=kind, allowed="lines, polygons")
    require_distinct(stations, "station_id", layer="stations")
    cutoffs = require_cutoffs(cutoffs_m if cutoffs_min is None else cutoffs_min)
    pace = 1.0
    if person is not None or cutoffs_min is not None:
        walker = find_person(person or "adult")
        network = adapt_network(network, walker, timed=cutoffs_min is not None)
        pace = walker.speed_m_per_min if cutoffs_min is not None else 1.0
    access = snap_points(network, stations, layer="stations")
    parts = [_areas_at(network, stations, access, cutoff * pace) for cutoff in cutoffs]
    areas = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=network.crs)
    if cutoffs_min is not None:
        areas.insert(2, "cutoff_min", np.repeat(cutoffs, len(stations)))
    if kind == "polygons":
        width_m = require_positive(width_m, key="bad_width")
        areas["geometry"] = areas.geometry.buffer(width_m, cap_style="flat", join_style="round", quad_segs=4)
    return areas


def _areas_at(network: Network, stations: gpd.GeoDataFrame, access: Access, cutoff_m: float) -> gpd.GeoDataFrame:
    limit = int(cutoff_m * (1 << UNIT_BITS))
    parts = reach_edges(network, access, limit=limit)
    owner, _, ends, _ = cut_segments(network, parts.station, parts.edge, parts.low, parts.high)
    pieces = np.asarray(shapely.linestrings(ends))
    order = np.argsort(owner, kind="stable")
    grouped = shapely.multilinestrings(pieces[order], indices=np.unique(owner, return_inverse=True)[1][order])
    geometry = np.full(len(stations), shapely.MultiLineString(), dtype=object)
    geometry[np.unique(owner)] = shapely.line_merge(grouped)
    return gpd.GeoDataFrame(
        {"station_id": stations["station_id"].to_numpy(), "cutoff_m": cutoff_m, "length_m": shapely.length(geometry)},
        geometry=geometry,
        crs=network.crs,
    )
