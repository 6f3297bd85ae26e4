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
from gridgeo.network.measure import UNIT_BITS, Ints
from gridgeo.network.segments import index_segments, nearest_segments

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
        What a full run on that network finds; only points near that street are snapped again.

    Raises
    ------
    InputError
        If there is no such street.
    NetworkError
        If no street is left.
    """
    before, network = coverage.network, close_streets(coverage.network, street_ids)
    shut = before.streets["street_id"].isin(street_ids).to_numpy(dtype=bool)
    gone = shut[before.segment_row]
    if not gone.any():
        return _on_network(coverage, network, lambda access: access)
    if network.person is not None or len(network.segment_xy) != (~gone).sum():
        # For a person more may vanish than the street; a street drawn twice comes to light again.
        return _on_network(coverage, network, lambda access: snap_points(network, access.xy))
    number = np.where(gone, -1, np.cumsum(~gone) - 1)
    closed = index_segments(before.segment_xy[gone])

    def move(access: Access) -> Access:
        # Who had a shorter leg than to the closed street does not miss it.
        _, _, away = nearest_segments(closed, access.xy, within_m=network.max_access_m)
        rows = np.flatnonzero(access.snapped & (away <= access.leg / (1 << UNIT_BITS) + _SLACK_M))
        kept = replace(access, segment=np.where(access.snapped, number[access.segment], -1))
        return _snap_some(network, kept, rows)

    return _on_network(coverage, network, move)


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
