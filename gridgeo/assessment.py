"""The main job in one go: streets → blocks → grids, households × stations → coverage, gaps and service areas.

The command line and the app both come here, so their figures cannot differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.blocks import enclose_blocks
from gridgeo.coverage import Coverage, assess_coverage
from gridgeo.gaps import find_gaps
from gridgeo.network import DEFAULT_MAX_ACCESS_M, Network, Person, build_network
from gridgeo.partition import Partition, partition_grids
from gridgeo.plan import Plan
from gridgeo.service_area import service_areas

DEFAULT_CUTOFFS_M = (300.0, 500.0)
"""The walking distances a first look asks for: five and ten minutes' circles as GB 50180-2018 is usually quoted."""

HOUSEHOLDS_PER_GRID = (300.0, 500.0)
"""The band of local grid rules (Haikou; a town in Anhui)."""

Watch = Callable[[str], None]
"""Called with a step's name when the step begins."""


@dataclass(frozen=True)
class Assessment:
    """A plan and everything that was found out about it.

    Parameters
    ----------
    plan : Plan
        The plan, with blocks and grids.
    partition : Partition or None
        How its grids were made; None when the plan brought its own.
    network : Network
        The walking network.
    coverages : tuple of Coverage
        One for each cutoff, in the order asked for; the gaps are those of the first.
    gaps : GeoDataFrame
        The gap areas at the first cutoff, see `gridgeo.find_gaps`.
    service_areas : GeoDataFrame
        The streets within each cutoff of each station, see `gridgeo.service_areas`.
    seconds : dict
        Step → how long it took.
    """

    plan: Plan
    partition: Partition | None
    network: Network
    coverages: tuple[Coverage, ...]
    gaps: gpd.GeoDataFrame
    service_areas: gpd.GeoDataFrame
    seconds: dict[str, float] = field(default_factory=dict)


def assess_plan(
    plan: Plan,
    *,
    cutoffs_m: tuple[float, ...] = DEFAULT_CUTOFFS_M,
    cutoffs_min: tuple[float, ...] | None = None,
    person: Person | str | None = None,
    service: str | None = None,
    at: str | None = None,
    max_access_m: float = DEFAULT_MAX_ACCESS_M,
    network: Network | None = None,
    watch: Watch | None = None,
) -> Assessment:
    """Do the main job on a plan.

    Parameters
    ----------
    plan : Plan
        The plan; it needs units, streets, households and stations. Blocks and grids are made when it has none.
    cutoffs_m : tuple of float
        Walking distances in metres, inclusive; the first decides the gaps.
    cutoffs_min : tuple of float, optional
        Walking times in minutes instead, at the person's pace; an adult's when no person is given.
    person, service, at : optional
        Who walks, to which service, at what time of the week: see `gridgeo.assess_coverage`.
    max_access_m : float
        How far a household or station may lie from its street, in metres.
    network : Network, optional
        The plan's walking network where it is built already; `max_access_m` is then the network's.
    watch : callable, optional
        Called with each step's name when it begins: ``blocks``, ``grids`` (when the plan has none), ``network``,
        ``coverage``, ``gaps``, ``service_areas``.

    Returns
    -------
    Assessment
        What was found.

    Raises
    ------
    MissingDataError
        If the plan lacks a layer that is needed.
    GridgeoError
        If a step cannot be done; see the functions of the steps.
    """
    plan.require("units", "streets", "households", "stations")
    clock = _Clock(watch)
    partition = None
    if len(plan.blocks) == 0 or len(plan.grids) == 0:
        plan, partition = _divide(plan, clock)
    if network is None:
        with clock.step("network"):
            network = build_network(plan.streets, barriers=plan.barriers, gates=plan.gates, max_access_m=max_access_m)
    with clock.step("coverage"):
        coverage = assess_coverage(
            network,
            plan.households,
            plan.open_stations,
            cutoff_m=tuple(cutoffs_m),
            cutoff_min=cutoffs_min,
            person=person,
            service=service,
            at=at,
        )
        coverages = tuple(coverage.at(cutoff) for cutoff in coverage.cutoffs_m)
    with clock.step("gaps"):
        gaps = find_gaps(coverages[0], plan)
    with clock.step("service_areas"):
        # The network and the stations as the question saw them: this person's, at this time.
        areas = _reached_streets(coverage)
    return Assessment(plan, partition, network, coverages, gaps, areas, clock.seconds)


def divide_plan(
    plan: Plan,
    *,
    households_per_grid: tuple[float, float] = HOUSEHOLDS_PER_GRID,
    keep: bool = False,
    seed: int = 0,
    watch: Watch | None = None,
) -> tuple[Plan, Partition, dict[str, float]]:
    """Cut a plan's ground into blocks and join them into grids.

    Parameters
    ----------
    plan : Plan
        The plan; it needs units, streets and households.
    households_per_grid : tuple of float
        The band of households a grid may hold.
    keep : bool
        Start from the plan's present grids and move as few households as possible.
    seed : int
        Start of the random search; the same seed gives the same grids.
    watch : callable, optional
        Called with ``blocks`` and ``grids`` when these steps begin.

    Returns
    -------
    plan : Plan
        The plan with its new blocks and grids.
    partition : Partition
        How they were made, with figures and violations.
    seconds : dict
        Step → how long it took.

    Raises
    ------
    MissingDataError
        If the plan lacks a layer that is needed, or has no grids to keep.
    """
    plan.require("units", "streets", "households", *(("blocks", "grids") if keep else ()))
    clock = _Clock(watch)
    plan, partition = _divide(plan, clock, band=households_per_grid, keep=keep, seed=seed)
    return plan, partition, clock.seconds


def _divide(
    plan: Plan,
    clock: _Clock,
    *,
    band: tuple[float, float] = HOUSEHOLDS_PER_GRID,
    keep: bool = False,
    seed: int = 0,
) -> tuple[Plan, Partition]:
    communities = _finest_units(plan)
    with clock.step("blocks"):
        # Today's grids are made of today's blocks: only a fresh start may cut the ground anew.
        blocks = (
            plan.blocks
            if keep
            else enclose_blocks(
                plan.district,
                plan.streets,
                plan.barriers,
                buildings=plan.buildings,
                households=plan.households,
                communities=communities,
                most_households=band[1],
            )
        )
    with clock.step("grids"):
        partition = partition_grids(
            blocks,
            plan.households,
            households_per_grid=band,
            communities=communities,
            streets=plan.streets,
            barriers=plan.barriers,
            gates=plan.gates,
            keep=plan.blocks if keep else None,
            seed=seed,
        )
    return plan.replace(blocks=partition.blocks, grids=partition.grids), partition


def _reached_streets(coverage: Coverage) -> gpd.GeoDataFrame:
    """Return the service areas of the stations that are open, at all cutoffs; none at night, when all are shut."""
    stations, cutoffs = coverage.stations, coverage.cutoffs_m
    if len(stations) == 0:
        columns = {"station_id": pd.Series(dtype="str"), "cutoff_m": pd.Series(dtype="float64")}
        return gpd.GeoDataFrame({**columns, "length_m": pd.Series(dtype="float64")}, geometry=[], crs=stations.crs)
    areas = service_areas(coverage.network, stations, cutoffs_m=cutoffs)
    if coverage.network.timed:
        areas.insert(2, "cutoff_min", np.repeat([coverage.at(each).cutoff_min for each in cutoffs], len(stations)))
    return areas


def _finest_units(plan: Plan) -> gpd.GeoDataFrame | None:
    """Return the units that no grid may cross: those of the level just above the grids."""
    above = plan.info.levels[-2].level
    finest = plan.units[plan.units["level"] == above]
    return finest if len(finest) > 1 else None


class _Clock:
    """Tells a watcher which step begins, and keeps how long each took."""

    def __init__(self, watch: Watch | None) -> None:
        self.seconds: dict[str, float] = {}
        self._watch = watch or (lambda _step: None)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._watch(name)
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begun, 3)
