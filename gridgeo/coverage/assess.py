"""Coverage: for every household the station it walks to, how far that is, and if it is not covered, why.

A household is covered when its walking distance is at most the cutoff, inclusive, whole millimetres compared. The
decision is made household by household on the network, never by a polygon.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from gridgeo.coverage.summary import summarise
from gridgeo.errors import InputError, MissingDataError
from gridgeo.network import Network
from gridgeo.network.access import Access, snap_points
from gridgeo.network.measure import Flags, Floats, Ints, limit_units, require_positive, to_metres
from gridgeo.network.routes import find_reach, nearest_keys, rank_stations, split_keys

REASONS = ("", "beyond_cutoff", "unreachable", "unsnapped")
"""Why a household is not covered; empty for one that is."""

COUNT_COLUMNS = ("households", "persons", "elderly", "children", "disabled", "low_income")
"""The columns of a household row that count people."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """Who can walk to a station. Make one with `assess_coverage`.

    Parameters
    ----------
    network : Network
        The network walked on.
    source : GeoDataFrame
        The households as given.
    stations : GeoDataFrame
        The stations that were counted, as given.
    household_access, station_access : Access
        Where households and stations stand on the network.
    station : ndarray of int64, shape (households,)
        The row of the station each household walks to; -1 for none.
    units : ndarray of int64, shape (households,)
        How far that is, in units (see `gridgeo.network.measure`); 0 where there is none.
    reached_by : dict
        Cutoff in metres → how many stations reach each household within it, int64 of shape (households,).
    cutoff_m : float
        The cutoff that `households` is decided by; see `at` for the others.
    """

    network: Network
    source: gpd.GeoDataFrame
    stations: gpd.GeoDataFrame
    household_access: Access
    station_access: Access
    station: Ints
    units: Ints
    reached_by: dict[float, Ints]
    cutoff_m: float

    @property
    def cutoffs_m(self) -> tuple[float, ...]:
        """All cutoffs that were assessed, in the order given."""
        return tuple(self.reached_by)

    def at(self, cutoff_m: float) -> Coverage:
        """Return the same coverage decided by another of its cutoffs.

        Parameters
        ----------
        cutoff_m : float
            One of `cutoffs_m`.

        Returns
        -------
        Coverage
            The coverage; nothing is walked again.

        Raises
        ------
        InputError
            If that cutoff was not assessed.
        """
        if float(cutoff_m) not in self.reached_by:
            known = ", ".join(f"{cutoff:g}" for cutoff in self.cutoffs_m)
            raise InputError("cutoff_not_assessed", value=cutoff_m, allowed=known)
        return replace(self, cutoff_m=float(cutoff_m))

    @cached_property
    def distance_m(self) -> Floats:
        """Each household's walking distance to its station in metres; inf for none; shape (households,)."""
        return np.where(self.station >= 0, to_metres(self.units), np.inf)

    @property
    def covered(self) -> Flags:
        """Which households are covered; shape (households,), bool."""
        return np.asarray((self.station >= 0) & (self.units <= limit_units(self.cutoff_m)))

    @property
    def reason_codes(self) -> Ints:
        """Why each household is not covered, as a place in `REASONS`; shape (households,)."""
        code = np.where(self.covered, 0, 1)
        code[self.station < 0] = 2
        code[self.household_access.edge < 0] = 3
        return code

    @cached_property
    def straight_m(self) -> Floats:
        """Straight-line metres to the household's station, or where it has none to the nearest one; shape (n,)."""
        ends = self.station_access.xy[self.station]
        straight: Floats = np.hypot(*(self.household_access.xy - ends).T)
        none = self.station < 0
        if none.any():
            straight[none] = cKDTree(self.station_access.xy).query(self.household_access.xy[none])[0]
        return np.rint(straight * 1000) / 1000

    @cached_property
    def households(self) -> pd.DataFrame:
        """The answer for every household.

        A DataFrame indexed by ``household_id`` in the order given: ``station_id`` (missing for none), ``distance_m``
        (walking distance, inf for none), ``straight_m`` (straight line to the same station; to the nearest one where
        no walk leads to any), ``covered``, ``reason`` ("" for a covered household, else ``beyond_cutoff``,
        ``unreachable``: no walk leads to any station, or ``unsnapped``: no street within reach), ``n_stations`` (how
        many stations are within the cutoff); then the counts, ids and flags that the households came with.
        """
        ids = np.array([*self.stations["station_id"], None], dtype=object)
        answer = {
            "station_id": pd.array(ids[self.station], dtype="str"),
            "distance_m": self.distance_m,
            "straight_m": self.straight_m,
            "covered": self.covered,
            "reason": pd.array(np.array(REASONS, dtype=object)[self.reason_codes], dtype="str"),
            "n_stations": self.reached_by[self.cutoff_m],
        }
        given = self.source.drop(columns=self.source.active_geometry_name)
        index = pd.Index(given["household_id"]) if "household_id" in given else given.index.rename("household_id")
        kept = given.drop(columns=[name for name in ("household_id", *answer) if name in given])
        return pd.DataFrame(answer | {name: kept[name].to_numpy() for name in kept}, index=index)

    def summary(self, by: str | None = None) -> pd.DataFrame:
        """Count covered households and people, for the whole or for each unit of a level.

        Parameters
        ----------
        by : str, optional
            A level (``"grid"``, ``"community"``, …): the households' column ``<by>_id``. The whole when left out.

        Returns
        -------
        DataFrame
            See `gridgeo.coverage.summary.summarise`.
        """
        return summarise(self.households, by=by)


def assess_coverage(
    network: Network,
    households: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    *,
    cutoff_m: float | tuple[float, ...] = 300.0,
) -> Coverage:
    """Find for every household the nearest station on foot, and whether it is within the cutoff.

    Walking distance = the leg from the station to its street + the way along the network + the leg to the household.
    Among stations equally far the westernmost wins (then the southernmost, then the first by id).

    Parameters
    ----------
    network : Network
        The network.
    households : GeoDataFrame of Point
        The households, in the network's system; ``household_id`` names them, ``households`` counts how many stand at
        the point (1 when there is no such column).
    stations : GeoDataFrame of Point
        The stations, in the network's system, named by ``station_id``.
    cutoff_m : float or tuple of float, optional
        The greatest walking distance that counts as covered, inclusive, in metres; several are assessed in one pass,
        and the first decides `Coverage.households`.

    Returns
    -------
    Coverage
        The answer for every household.

    Raises
    ------
    MissingDataError
        If there is no station or no household.
    InputError
        If a point cannot be used, a ``station_id`` is missing or repeated, or a cutoff is not above zero.
    CRSError
        If a layer is not in the network's system.
    """
    cutoffs = _check_cutoffs(cutoff_m)
    for layer, frame in (("households", households), ("stations", stations)):
        if len(frame) == 0:
            raise MissingDataError("missing_layer", layer=layer)
    if "station_id" not in stations:
        raise InputError("missing_column", layer="stations", column="station_id")
    if stations["station_id"].duplicated().any():
        row = int(np.flatnonzero(stations["station_id"].duplicated())[0])
        raise InputError(
            "duplicate_id", layer="stations", row=row + 1, column="station_id", value=stations["station_id"].iloc[row]
        )
    household_access = snap_points(network, households, layer="households")
    station_access = snap_points(network, stations, layer="stations")
    place = rank_stations(station_access.xy, stations["station_id"].to_numpy(dtype=str))
    station, units = nearest_stations(network, household_access, station_access, place)
    return Coverage(
        network=network,
        source=households,
        stations=stations,
        household_access=household_access,
        station_access=station_access,
        station=station,
        units=units,
        reached_by=count_stations(network, household_access, station_access, cutoffs),
        cutoff_m=cutoffs[0],
    )


def nearest_stations(network: Network, households: Access, stations: Access, place: Ints) -> tuple[Ints, Ints]:
    """Find the station each household walks to.

    Parameters
    ----------
    network : Network
        The network.
    households, stations : Access
        Where they stand.
    place : ndarray of int64, shape (stations,)
        Each station's place in the order that decides between equal distances.

    Returns
    -------
    station : ndarray of int64, shape (households,)
        The station's row; -1 for none.
    units : ndarray of int64, shape (households,)
        How far it is; 0 for none.
    """
    order, _ = households.by_edge
    by_place = np.argsort(place)
    station, units = np.full(len(households.xy), -1, dtype=np.int64), np.zeros(len(households.xy), dtype=np.int64)
    key, _ = nearest_keys(network, households, stations, place + 1)
    found_units, rank, reached = split_keys(key)
    station[order] = np.where(reached, by_place[rank - 1], -1)
    units[order] = found_units
    return station, units


def count_stations(
    network: Network, households: Access, stations: Access, cutoffs_m: tuple[float, ...]
) -> dict[float, Ints]:
    """Count the stations within each cutoff of each household.

    Parameters
    ----------
    network : Network
        The network.
    households, stations : Access
        Where they stand.
    cutoffs_m : tuple of float
        The cutoffs in metres.

    Returns
    -------
    dict
        Cutoff → ndarray of int64, shape (households,).
    """
    reach = find_reach(network, households, stations, limit=limit_units(max(cutoffs_m)))
    count = len(households.xy)
    return {
        cutoff: np.bincount(reach.household[reach.units <= limit_units(cutoff)], minlength=count)
        for cutoff in cutoffs_m
    }


def _check_cutoffs(cutoff_m: float | tuple[float, ...]) -> tuple[float, ...]:
    given = tuple(cutoff_m) if isinstance(cutoff_m, (tuple, list)) else (cutoff_m,)
    if not given:
        raise InputError("bad_cutoff", value="()")
    return tuple(dict.fromkeys(require_positive(cutoff, key="bad_cutoff") for cutoff in given))
