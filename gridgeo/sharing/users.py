"""Who uses stations: the people at each household point, the stations that reach them, and the room that these have."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.coverage import Coverage
from gridgeo.errors import InputError
from gridgeo.network.columns import read_numbers
from gridgeo.network.measure import Floats, limit_units
from gridgeo.network.reach import Reach, find_reach


def count_people(coverage: Coverage, group: str | None) -> Floats:
    """Count the people of a group, or households, at each point; who is not known counts as none.

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    group : str or None
        A column of the households; households when None.

    Returns
    -------
    ndarray of float, shape (households,)
        The counts.

    Raises
    ------
    InputError
        If the households do not count the group.
    """
    given, column = coverage.source, group or "households"
    if column not in given:
        if group is None:
            return np.ones(len(given))
        raise InputError("missing_column", layer="households", column=column)
    counts: Floats = np.nan_to_num(given[column].to_numpy(dtype=np.float64))
    return counts


def list_walks(coverage: Coverage) -> Reach:
    """List who is reached by which station within the cutoff.

    Parameters
    ----------
    coverage : Coverage
        The coverage.

    Returns
    -------
    Reach
        The walks.
    """
    limit = limit_units(coverage.cutoff_m)
    return find_reach(coverage.network, coverage.household_access, coverage.roster.counted_access, limit=limit)


def name_bodies(stations: gpd.GeoDataFrame) -> np.ndarray:
    """Tell who runs each station.

    Parameters
    ----------
    stations : GeoDataFrame
        Layer ``stations`` with ``body``.

    Returns
    -------
    ndarray of object, shape (stations,)
        The bodies; a station that does not say is known by its own id.
    """
    ids = stations["station_id"].astype("str")
    said = stations["body"] if "body" in stations else pd.Series(np.nan, index=stations.index)
    return np.asarray(said.where(said.notna(), ids).to_numpy(dtype=object))


def read_room(stations: gpd.GeoDataFrame) -> Floats | None:
    """Read how many each station can take.

    Parameters
    ----------
    stations : GeoDataFrame
        Layer ``stations``; ``capacity`` is empty for no limit.

    Returns
    -------
    ndarray of float, shape (stations,), or None
        Whole numbers; inf for no limit. None where no station has one.

    Raises
    ------
    InputError
        If a capacity is no number from zero.
    """
    if "capacity" not in stations or stations["capacity"].isna().all():
        return None
    room = read_numbers(stations, "capacity", layer="stations", missing=True, least=0)
    whole: Floats = np.floor(np.where(np.isnan(room), np.inf, room))
    return whole
