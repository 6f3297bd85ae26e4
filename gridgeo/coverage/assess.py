"""Coverage from scratch: all households, all stations, one search.

A household is covered when its walking distance is at most the cutoff, inclusive, whole millimetres compared. The
decision is made household by household on the network, never by a polygon.
"""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np

from gridgeo.coverage.model import Coverage, Question
from gridgeo.coverage.pages import cut_pages
from gridgeo.coverage.roster import Roster, make_roster
from gridgeo.coverage.solve import count_stations, nearest_stations
from gridgeo.errors import InputError, MissingDataError
from gridgeo.network import Network, Person, adapt_network, find_person, gates_at
from gridgeo.network.access import Access, snap_points
from gridgeo.network.columns import read_numbers, require_distinct
from gridgeo.network.hours import open_rows, parse_time
from gridgeo.network.measure import require_cutoffs


def assess_coverage(
    network: Network,
    households: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    *,
    cutoff_m: float | tuple[float, ...] = 300.0,
    cutoff_min: float | tuple[float, ...] | None = None,
    person: Person | str | None = None,
    service: str | None = None,
    at: str | None = None,
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
        The stations, in the network's system, named by ``station_id``; ``services`` lists what each offers, separated
        by ``;`` or ``,``, and ``hours`` when it is open.
    cutoff_m : float or tuple of float, optional
        The greatest walking distance that counts as covered, inclusive, in metres; several are assessed in one pass,
        and the first decides `Coverage.households`.
    cutoff_min : float or tuple of float, optional
        The greatest walking time in minutes instead, with the person's speed, slow ground and waits at crossings.
    person : Person or str, optional
        Who walks: ``"adult"``, ``"elder"``, ``"wheelchair"`` (no steps, no stairs-only bridges) or an own `Person`;
        where only `cutoff_min` is given, an adult.
    service : str, optional
        Count only stations that offer this.
    at : str, optional
        Count only stations and gates that are open at this time of the week, for example ``"Sat 19:00"``.

    Returns
    -------
    Coverage
        The answer for every household; nobody is covered where no station is open.

    Raises
    ------
    MissingDataError
        If there is no station or no household.
    InputError
        If a point cannot be used, an id is missing or repeated, a count of households is no number from zero, a cutoff
        is not above zero, or no station offers the service.
    CRSError
        If a layer is not in the network's system.
    """
    for layer, frame in (("households", households), ("stations", stations)):
        if len(frame) == 0:
            raise MissingDataError("missing_layer", layer=layer)
    require_distinct(stations, "station_id", layer="stations")
    if "household_id" in households:
        require_distinct(households, "household_id", layer="households")
    if "households" in households:
        read_numbers(households, "households", layer="households", missing=False, least=0)
    walker = None if person is None and cutoff_min is None else find_person(person or "adult")
    if cutoff_min is None or walker is None:
        cutoffs = require_cutoffs(cutoff_m)
    else:
        cutoffs = tuple(minutes * walker.speed_m_per_min for minutes in require_cutoffs(cutoff_min))
    if walker is not None:
        network = adapt_network(network, walker, timed=cutoff_min is not None)
    if service is not None:
        stations = offer_service(stations, service)
    if at is not None:
        minute = parse_time(at)
        network = gates_at(network, minute)
        if "hours" in stations:
            stations = stations[open_rows(stations["hours"], minute, layer="stations")]
    household_access = snap_points(network, households, layer="households")
    roster = make_roster(stations, snap_points(network, stations, layer="stations"))
    asked = Question(person=walker, service=service, at=at)
    return solve_coverage(network, households, household_access, roster, cutoffs_m=cutoffs, asked=asked)


def offer_service(stations: gpd.GeoDataFrame, service: str) -> gpd.GeoDataFrame:
    """Return the stations that offer a service.

    Parameters
    ----------
    stations : GeoDataFrame
        The stations; ``services`` lists what each offers, separated by ``;``, ``,``, ``、`` or ``|``.
    service : str
        The service.

    Returns
    -------
    GeoDataFrame
        Those that list it.

    Raises
    ------
    InputError
        If the stations list no services, or none lists this one.
    """
    if "services" not in stations:
        raise InputError("missing_column", layer="stations", column="services")
    offered = stations["services"].map(list_services)
    found = np.array([service.strip() in names for names in offered], dtype=bool)
    if not found.any():
        known = sorted({name for names in offered for name in names})
        raise InputError("unknown_service", value=service, allowed=", ".join(known) or "-")
    return stations[found]


def list_services(services: object) -> list[str]:
    """Split a station's list of services.

    Parameters
    ----------
    services : object
        The text; anything else offers nothing.

    Returns
    -------
    list of str
        The services it names.
    """
    if not isinstance(services, str):
        return []
    return [name.strip() for name in re.split(r"[;,|；，、]", services) if name.strip()]


def solve_coverage(
    network: Network,
    households: gpd.GeoDataFrame,
    household_access: Access,
    roster: Roster,
    *,
    cutoffs_m: tuple[float, ...],
    asked: Question | None = None,
) -> Coverage:
    """Assess coverage of points that are snapped already.

    Parameters
    ----------
    network : Network
        The network.
    households : GeoDataFrame
        The households.
    household_access : Access
        Where they stand.
    roster : Roster
        The stations and where they stand.
    cutoffs_m : tuple of float
        The cutoffs; the first decides.
    asked : Question, optional
        Who walks, to what, and when.

    Returns
    -------
    Coverage
        The answer for every household.
    """
    residents = household_access.residents
    slot, units, node_key = nearest_stations(network, residents, roster)
    counts = count_stations(network, residents, roster.counted_access, cutoffs_m)
    return Coverage(
        network=network,
        source=households,
        roster=roster,
        household_access=household_access,
        slot=cut_pages(slot),
        units=cut_pages(units),
        node_key=node_key,
        reached_by={cutoff: cut_pages(count) for cutoff, count in counts.items()},
        cutoff_m=cutoffs_m[0],
        asked=asked or Question(),
    )
