"""A network as it would be: streets closed, gates opened and closed, at a time of the week."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from gridgeo.errors import InputError, NetworkError
from gridgeo.network.build import assemble
from gridgeo.network.graph import Network, gates_open
from gridgeo.network.hours import open_rows
from gridgeo.network.lines import keep_rows
from gridgeo.network.persons import adapt_network


def close_streets(network: Network, street_ids: list[str]) -> Network:
    """Return the network without certain streets.

    Parameters
    ----------
    network : Network
        The network.
    street_ids : list of str
        The streets that can no longer be walked.

    Returns
    -------
    Network
        A new network: what `build_network` makes when these rows are not walkable.

    Raises
    ------
    InputError
        If there is no such street.
    """
    if network.plain is not None and network.person is not None:
        return adapt_network(close_streets(network.plain, street_ids), network.person, timed=network.timed)
    if "street_id" not in network.streets:
        raise InputError("missing_column", layer="streets", column="street_id")
    ids = network.streets["street_id"]
    unknown = set(street_ids) - set(ids)
    if unknown:
        raise InputError("unknown_street", value=", ".join(sorted(unknown)))
    shut = ids.isin(street_ids).to_numpy(dtype=bool)
    walkable = network.streets["walkable"].to_numpy(dtype=bool) if "walkable" in network.streets else True
    streets = network.streets.assign(walkable=walkable & ~shut)
    lines = keep_rows(network.lines, ~shut)
    if len(lines.xy) == 0:
        raise NetworkError("no_streets")
    return _keep(network, assemble(replace(network, streets=streets), lines), "obstacles")


def set_gates(network: Network, is_open: dict[str, bool]) -> Network:
    """Return the network with certain gates opened or closed.

    Parameters
    ----------
    network : Network
        The network.
    is_open : dict
        Gate id → whether it is open from now on.

    Returns
    -------
    Network
        A new network: what `build_network` makes of these gates.

    Raises
    ------
    InputError
        If there is no such gate.
    """
    if network.plain is not None and network.person is not None:
        return adapt_network(set_gates(network.plain, is_open), network.person, timed=network.timed)
    if network.gates is not None and "gate_id" not in network.gates:
        raise InputError("missing_column", layer="gates", column="gate_id")
    ids = network.gates["gate_id"].tolist() if network.gates is not None else []
    unknown = set(is_open) - set(ids)
    if unknown or network.gates is None:
        raise InputError("unknown_gate", value=", ".join(sorted(unknown)))
    before = network.gates["open"] if "open" in network.gates else pd.Series(data=True, index=network.gates.index)
    after = network.gates["gate_id"].map(is_open).astype("object")
    gates = network.gates.assign(open=after.where(after.notna(), before).astype(bool))
    if "hours" in gates:
        gates = gates.assign(hours=gates["hours"].where(~gates["gate_id"].isin(is_open), None))
    # The same lines give the same segments in the same order: what was worked out from these still holds.
    return _keep(network, assemble(replace(network, gates=gates), network.lines), "obstacles", "segment_grid")


def _keep(before: Network, after: Network, *names: str) -> Network:
    """Hand on what a network has worked out already and an edit does not touch."""
    for name in names:
        if name in vars(before):
            vars(after)[name] = vars(before)[name]
    return after


def gates_at(network: Network, minute: int) -> Network:
    """Return the network as its gates' opening hours make it at a time of the week.

    Parameters
    ----------
    network : Network
        The network.
    minute : int
        Minutes since Monday, 00:00 (see `gridgeo.network.hours.parse_time`).

    Returns
    -------
    Network
        The network with every open gate closed whose ``hours`` do not include the time; a closed gate stays closed.

    Raises
    ------
    InputError
        If some hours are not understood.
    """
    if network.gates is None or "hours" not in network.gates:
        return network
    shut = gates_open(network.gates) & ~open_rows(network.gates["hours"], minute, layer="gates")
    return set_gates(network, dict.fromkeys(network.gates["gate_id"][shut], False)) if shut.any() else network
