"""The stations that count: where they stand on the network, and which wins when two are equally far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgeo.errors import InputError
from gridgeo.network.access import Access
from gridgeo.network.measure import RANK_BITS, Flags, Ints

MOST_RANKS = (1 << RANK_BITS) - 2
"""How many stations one search tells apart."""


@dataclass(frozen=True, eq=False)
class Roster:
    """Stations in slots: a slot once given keeps its station, so that answers need not be renumbered.

    Parameters
    ----------
    frames : tuple of GeoDataFrame
        The stations as given, slot by slot.
    ids : ndarray of str, shape (slots,)
        Their ids.
    access : Access
        Where they stand on the network.
    rank : ndarray of int64, shape (slots,)
        Of equal distances the lowest rank wins: stations rank from west to east, then south to north, then by id.
        From 1, with room between; 0 when there are too many stations to rank them in one search.
    active : ndarray of bool, shape (slots,)
        Which slots count.
    """

    frames: tuple[gpd.GeoDataFrame, ...]
    ids: npt.NDArray[Any]
    access: Access
    rank: Ints
    active: Flags

    @cached_property
    def stations(self) -> gpd.GeoDataFrame:
        """The stations that count, as given."""
        if len(self.frames) == 1 and self.active.all():
            return self.frames[0]
        whole = gpd.GeoDataFrame(pd.concat(self.frames, ignore_index=True), crs=self.frames[0].crs)
        return whole[self.active].reset_index(drop=True)

    @cached_property
    def counted_access(self) -> Access:
        """Where the stations that count stand."""
        return pick_access(self.access, np.flatnonzero(self.active))

    @cached_property
    def slot_of_rank(self) -> npt.NDArray[np.int32]:
        """The slot of each rank; -1 for a rank that nobody has."""
        slots = np.full(1 << RANK_BITS, -1, dtype=np.int32)
        counted = np.flatnonzero(self.active)
        slots[self.rank[counted]] = counted
        return slots

    def find(self, station_id: str) -> int:
        """Return the slot of a station.

        Parameters
        ----------
        station_id : str
            Its id.

        Returns
        -------
        int
            Its slot.

        Raises
        ------
        InputError
            If no station that counts has this id.
        """
        found = np.flatnonzero((self.ids == station_id) & self.active)
        if len(found) == 0:
            raise InputError("unknown_station", value=station_id)
        return int(found[0])

    def add(self, frame: gpd.GeoDataFrame, access: Access) -> Roster | None:
        """Return the roster with one station more.

        Parameters
        ----------
        frame : GeoDataFrame
            Its row.
        access : Access
            Where it stands.

        Returns
        -------
        Roster or None
            A new roster; None when there is no room between its neighbours' ranks.

        Raises
        ------
        InputError
            If its id is taken.
        """
        name = str(frame["station_id"].iloc[0])
        if (self.active & (self.ids == name)).any():
            raise InputError("duplicate_station", value=name)
        x, y = access.xy[0]
        mine = self.access.xy[:, 0]
        before = (mine < x) | ((mine == x) & (self.access.xy[:, 1] < y))
        same = (mine == x) & (self.access.xy[:, 1] == y)
        before[same] = self.ids[same] < name
        below = int(self.rank[before & self.active].max(initial=0))
        above = int(self.rank[~before & self.active].min(initial=(1 << RANK_BITS) - 1))
        rank = (below + above) // 2
        if rank == below or self.rank.min(initial=1) == 0:
            return None
        return Roster(
            frames=(*self.frames, frame),
            ids=np.append(self.ids, name),
            access=join_access(self.access, access),
            rank=np.append(self.rank, rank),
            active=np.append(self.active, True),
        )

    def remove(self, slot: int) -> Roster:
        """Return the roster without one station.

        Parameters
        ----------
        slot : int
            Its slot.

        Returns
        -------
        Roster
            A new roster.
        """
        active = self.active.copy()
        active[slot] = False
        return replace(self, active=active)


def make_roster(stations: gpd.GeoDataFrame, access: Access) -> Roster:
    """Give stations slots and ranks.

    Parameters
    ----------
    stations : GeoDataFrame
        The stations, named by ``station_id``.
    access : Access
        Where they stand.

    Returns
    -------
    Roster
        The roster.
    """
    ids = stations["station_id"].astype("str").to_numpy(dtype=object)
    order = np.lexsort((ids.astype(str), access.xy[:, 1], access.xy[:, 0]))
    place = np.empty(len(ids), dtype=np.int64)
    place[order] = np.arange(len(ids))
    gap = MOST_RANKS // max(len(ids), 1)
    return Roster((stations,), ids, access, (place + 1) * gap, np.ones(len(ids), dtype=bool))


def join_access(one: Access, other: Access) -> Access:
    """Put one list of points behind another.

    Parameters
    ----------
    one, other : Access
        Points on the same network.

    Returns
    -------
    Access
        Both.
    """
    names = ("xy", "edge", "along", "leg", "segment", "share")
    return Access(**{name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in names})


def pick_access(access: Access, rows: Ints) -> Access:
    """Return some of a list of points.

    Parameters
    ----------
    access : Access
        The points.
    rows : ndarray of int64
        Which.

    Returns
    -------
    Access
        Those.
    """
    return Access(**{name: getattr(access, name)[rows] for name in ("xy", "edge", "along", "leg", "segment", "share")})
