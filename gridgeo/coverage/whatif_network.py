"""What if gates or streets were others: the new coverage, equal to a full run; only points nearby are snapped again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gridgeo.coverage.assess import solve_coverage
from gridgeo.coverage.model import Coverage
from gridgeo.network.access import Access, place_on_segments, snap_points
from gridgeo.network.edits import close_streets, set_gates
from gridgeo.network.graph import Network
from gridgeo.network.measure import Ints

_SLACK_M = 1.0
"""Room for rounding; it only ever lets more points be snapped again."""


def change_gates(coverage: Coverage, is_open: dict[str, bool]) -> Coverage:
    """Return the coverage with certain gates opened or closed.

    Parameters
    ----------
    coverage : Coverage
        The coverage as it is.
    is_open : dict
        Gate id → whether it is open from now on.

    Returns
    -------
    Coverage
        What a full run on that network finds; only points near those gates are snapped again.

    Raises
    ------
    InputError
        If there is no such gate.
    """
    network = set_gates(coverage.network, is_open)
    xy = network.gates_xy(list(is_open))

    def move(access: Access) -> Access:
        reach = network.max_access_m + _SLACK_M
        near = np.zeros(len(access.xy), dtype=bool)
        for gate in xy:
            near |= np.abs(access.xy - gate).max(axis=1) <= reach
        return _snap_some(network, access, np.flatnonzero(near))

    return _on_network(coverage, network, move)


def shut_streets(coverage: Coverage, street_ids: list[str]) -> Coverage:
    """Return the coverage with certain streets closed.

    Parameters
    ----------
    coverage : Coverage
        The coverage as it is.
    street_ids : list of str
        The streets that can no longer be walked.

    Returns
    -------
    Coverage
        What a full run on that network finds.

    Raises
    ------
    InputError
        If there is no such street.
    NetworkError
        If no street is left.
    """
    network = close_streets(coverage.network, street_ids)
    return _on_network(coverage, network, lambda access: snap_points(network, access.xy))


def _on_network(coverage: Coverage, network: Network, move: Callable[[Access], Access]) -> Coverage:
    """Run in full on another network, with the points moved there."""
    roster = replace(coverage.roster, access=move(coverage.roster.access))
    whole = solve_coverage(
        network,
        coverage.source,
        move(coverage.household_access),
        roster,
        cutoffs_m=coverage.cutoffs_m,
        asked=coverage.asked,
    )
    return whole.at(coverage.cutoff_m)


def _snap_some(network: Network, access: Access, rows: Ints) -> Access:
    """Place points on a network of the same segments, snapping only some anew."""
    anew = snap_points(network, access.xy[rows])
    fields = {name: getattr(access, name).copy() for name in ("segment", "share", "leg")}
    for name, values in fields.items():
        values[rows] = getattr(anew, name)
    return place_on_segments(network, access.xy, fields["segment"], fields["share"], fields["leg"])
