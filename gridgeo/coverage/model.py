"""What an assessment of coverage holds, and how it is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy.spatial import cKDTree

from gridgeo.coverage.pages import Pages
from gridgeo.coverage.roster import Roster
from gridgeo.coverage.summary import summarise
from gridgeo.errors import InputError
from gridgeo.network import PERSONS, Network, Person
from gridgeo.network.access import Access
from gridgeo.network.measure import RANK_BITS, Flags, Floats, Ints, to_metres
from gridgeo.network.routes import seed_nodes, solve_nodes

REASONS = ("", "beyond_cutoff", "unreachable", "unsnapped")
"""Why a household is not covered; empty for one that is."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What an assessment was asked besides who lives where.

    Parameters
    ----------
    person : Person, optional
        Who walks; anyone when left out.
    service : str, optional
        What for; any station counts when left out.
    at : str, optional
        When; opening hours do not count when left out.
    """

    person: Person | None = None
    service: str | None = None
    at: str | None = None

    @property
    def pace(self) -> Person:
        """The person, an adult where none was asked for."""
        return self.person or PERSONS["adult"]


@dataclass(frozen=True, eq=False)
class Coverage:
    """Who can walk to a station. Make one with `gridgeo.assess_coverage`.

    Parameters
    ----------
    network : Network
        The network walked on.
    source : GeoDataFrame
        The households as given.
    roster : Roster
        The stations that count.
    household_access : Access
        Where the households stand on the network.
    slot : Pages
        The station each household walks to, as a slot of the roster, -1 for none; place by place, in the order of
        `household_access.residents`, as what follows.
    units : Pages
        How far that is, in units (see `gridgeo.network.measure`); 0 where there is none.
    node_key : ndarray of float, shape (nodes,)
        The least key at every node of the network; empty when there are too many stations for one search.
    reached_by : dict of Pages
        Cutoff in metres → how many stations reach each household within it.
    cutoff_m : float
        The cutoff that `households` is decided by; see `at` for the others.
    asked : Question
        Who walks, to what, and when.
    """

    network: Network
    source: gpd.GeoDataFrame
    roster: Roster
    household_access: Access
    slot: Pages
    units: Pages
    node_key: Floats
    reached_by: dict[float, Pages]
    cutoff_m: float
    asked: Question

    @property
    def minutes(self) -> Floats:
        """Each household's walk in minutes at the person's pace; inf for none; shape (households,).

        Without a person asked for, an adult's.
        """
        return np.round(self.distance_m / self.asked.pace.speed_m_per_min, 3)

    @property
    def cutoff_min(self) -> float | None:
        """The cutoff in minutes at the person's pace, where walks are measured in time; else None."""
        return round(self.cutoff_m / self.asked.pace.speed_m_per_min, 3) if self.network.timed else None

    @property
    def basis(self) -> dict[str, object]:
        """What every figure of this coverage rests on (口径): plain values by name."""
        pace = self.asked.pace
        return {
            "distance": "walking time" if self.network.timed else "walking distance",
            "cutoff_m": self.cutoff_m,
            "cutoff_min": self.cutoff_min,
            "inclusive": True,
            "max_access_m": self.network.max_access_m,
            "person": pace.name if self.asked.person else None,
            "speed_m_per_min": pace.speed_m_per_min if self.asked.person else None,
            "crossing_waits_min": dict(pace.waits_min) if self.network.timed else None,
            "speed_source": "assumption" if self.asked.person else None,
            "service": self.asked.service,
            "at": self.asked.at,
        }

    @property
    def cutoffs_m(self) -> tuple[float, ...]:
        """All cutoffs that were assessed, in the order given."""
        return tuple(self.reached_by)

    @property
    def weights(self) -> Floats:
        """How many households each row stands for, one where the table does not say; shape (households,)."""
        given = self.source
        return given["households"].to_numpy(dtype=np.float64) if "households" in given else np.ones(len(given))

    @property
    def stations(self) -> gpd.GeoDataFrame:
        """The stations that were counted."""
        return self.roster.stations

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
    def slots(self) -> npt.NDArray[np.int32]:
        """The roster's slot of the station each household walks to, -1 for none; shape (households,)."""
        return self._by_row(self.slot)

    @cached_property
    def distance_m(self) -> Floats:
        """Each household's walking distance to its station in metres; inf for none; shape (households,)."""
        distance = to_metres(self._by_row(self.units))
        distance[self.slots < 0] = np.inf
        return distance

    @cached_property
    def n_stations(self) -> Ints:
        """How many stations are within the cutoff of each household; shape (households,)."""
        return self._by_row(self.reached_by[self.cutoff_m])

    @cached_property
    def covered(self) -> Flags:
        """Which households are covered; shape (households,), bool."""
        return np.asarray(self.distance_m <= self.cutoff_m)

    @cached_property
    def reason_codes(self) -> npt.NDArray[np.int8]:
        """Why each household is not covered, as a place in `REASONS`; shape (households,)."""
        code = (~self.covered).astype(np.int8)
        none = np.flatnonzero(self.slots < 0)
        code[none] = np.where(self.household_access.edge[none] < 0, np.int8(3), np.int8(2))
        return code

    def _by_row(self, pages: Pages) -> npt.NDArray[Any]:
        """Put a column back into the order in which the households came."""
        held = pages.full
        column = np.empty_like(held)
        column[self.household_access.residents.order] = held
        return column

    @cached_property
    def straight_m(self) -> Floats:
        """Straight-line metres to the household's station, or where it has none to the nearest one; shape (n,)."""
        xy, slot = self.household_access.xy, self.slots
        # One station more, infinitely far, for the slot -1.
        x, y = np.append(self.roster.access.xy, [[np.inf, np.inf]], axis=0).T.copy()
        # The root of the sum of squares: np.hypot takes five times as long, and nobody stands that far away.
        straight: Floats = x[slot]
        straight -= xy[:, 0]
        straight *= straight
        north = y[slot]
        north -= xy[:, 1]
        north *= north
        straight += north
        np.sqrt(straight, out=straight)
        none = np.flatnonzero(slot < 0)
        straight[none] = self.nearest_straight_m(none)
        straight *= 1000
        np.rint(straight, out=straight)
        straight /= 1000
        return straight

    @cached_property
    def node_distances(self) -> tuple[Floats, Flags]:
        """The distance from every node to its nearest station in units, inf for none; and where there is one."""
        held = self.node_key
        if len(held) == 0:
            seeds = seed_nodes(self.network, self.roster.counted_access, keys=np.zeros(int(self.roster.active.sum())))
            held = solve_nodes(self.network.links, *seeds)
        reached = np.isfinite(held)
        return np.where(reached, np.floor(np.where(reached, held, 0) / (1 << RANK_BITS)), np.inf), reached

    def nearest_straight_m(self, rows: Ints) -> Floats:
        """Measure from some households straight to the nearest station: the circle that paper plans draw.

        Parameters
        ----------
        rows : ndarray of int64
            The households.

        Returns
        -------
        ndarray of float
            Metres; inf where no station counts.
        """
        stations = self.roster.access.xy[self.roster.active]
        if len(stations) == 0 or len(rows) == 0:
            return np.full(len(rows), np.inf)
        return np.asarray(cKDTree(stations).query(self.household_access.xy[rows])[0], dtype=np.float64)

    @cached_property
    def households(self) -> pd.DataFrame:
        """The answer for every household.

        A DataFrame indexed by ``household_id`` in the order given: ``station_id`` (missing for none), ``distance_m``
        (walking distance, inf for none), ``straight_m`` (straight line to the same station; to the nearest one where
        no walk leads to any), ``covered``, ``reason`` ("" for a covered household, else ``beyond_cutoff``,
        ``unreachable``: no walk leads to any station, or ``unsnapped``: no street within reach), ``n_stations`` (how
        many stations are within the cutoff); then the counts, ids and flags that the households came with. A person's
        coverage also has ``minutes``; decided by time, its ``distance_m`` is what the person walks on the level in
        that time, waits included.
        """
        answer = {
            "station_id": _decode(self.slots, self.roster.ids),
            "distance_m": self.distance_m,
            **({"minutes": self.minutes} if self.asked.person else {}),
            "straight_m": self.straight_m,
            "covered": self.covered,
            "reason": _decode(self.reason_codes, np.array(REASONS, dtype=object)),
            "n_stations": self.n_stations,
        }
        given = pd.DataFrame(self.source)
        index = pd.Index(given["household_id"]) if "household_id" in given else given.index.rename("household_id")
        known = {self.source.active_geometry_name, "household_id", *answer}
        return pd.DataFrame(answer | {name: given[name].array for name in given if name not in known}, index=index)

    def summary(self, by: str | None = None) -> pd.DataFrame:
        """Count covered households and people, for the whole or for each unit of a level.

        Parameters
        ----------
        by : str, optional
            A level (``"grid"``, ``"community"``, …): the households' column ``<by>_id``. The whole when left out.

        Returns
        -------
        DataFrame
            See `gridgeo.coverage.summarise`.
        """
        # Counted once: each page that opens shows the same figures again.
        if by not in self._summaries:
            self._summaries[by] = summarise(self.households, by=by)
        return self._summaries[by].copy()

    @cached_property
    def _summaries(self) -> dict[str | None, pd.DataFrame]:
        return {}


def _decode(codes: npt.NDArray[np.integer[Any]], names: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """Turn numbers into the text they stand for; a negative one is missing."""
    mask = codes < 0
    indices = pa.array(np.where(mask, 0, codes).astype(np.int32), mask=mask if mask.any() else None)
    words = pa.DictionaryArray.from_arrays(indices, pa.array(names.tolist(), pa.large_string())).dictionary_decode()
    decoded: pd.api.extensions.ExtensionArray = pd.array(words, dtype="str")
    return decoded
