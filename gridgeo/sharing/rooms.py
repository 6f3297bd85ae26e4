"""Rooms that several bodies use."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gridgeo.coverage.assess import list_services
from gridgeo.errors import MissingDataError
from gridgeo.network.measure import require_positive
from gridgeo.sharing.users import name_bodies


def share_rooms(stations: gpd.GeoDataFrame, *, within_m: float = 20.0) -> gpd.GeoDataFrame:
    """Find places that several bodies use: stations of different bodies at one spot.

    Parameters
    ----------
    stations : GeoDataFrame of Point
        Layer ``stations`` with ``body``; a station that does not say is a body of its own.
    within_m : float, optional
        How far apart two stations are at most to be at one spot, in a straight line, in metres; a row of such steps
        is one spot.

    Returns
    -------
    GeoDataFrame of Point
        One row for each spot used by two bodies or more: ``room``, ``stations`` (how many), ``station_ids``,
        ``bodies``, ``services`` (each separated by ``;``) and their middle.

    Raises
    ------
    InputError
        If the distance is not above zero.
    MissingDataError
        If there are no stations.
    """
    require_positive(within_m, key="bad_spacing")
    if len(stations) == 0:
        raise MissingDataError("missing_layer", layer="stations")
    xy = np.column_stack([stations.geometry.x, stations.geometry.y])
    near = cKDTree(xy).query_pairs(within_m, output_type="ndarray")
    links = csr_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(xy), len(xy)))
    spot = connected_components(links, directed=False)[1]
    body = name_bodies(stations)
    rows: list[tuple[object, ...]] = []
    for room in range(int(spot.max()) + 1):
        mine = np.flatnonzero(spot == room)
        names = sorted(set(body[mine]))
        if len(names) > 1:
            offered = {name for each in stations["services"].iloc[mine] for name in list_services(each)}
            middle = stations.geometry.iloc[mine].union_all().centroid
            ids = sorted(stations["station_id"].iloc[mine].astype("str"))
            rows.append((len(rows) + 1, len(mine), ";".join(ids), ";".join(names), ";".join(sorted(offered)), middle))
    columns = ["room", "stations", "station_ids", "bodies", "services", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=stations.crs)
