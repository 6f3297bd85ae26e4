"""Who walks: speeds, what they cannot use, and how long they wait at crossings.

No standard fixes a walking speed (60, 72, 80 and 83 m/min are all in use), so these are assumptions, named in every
figure's basis and free to be replaced.

A wait is charged by halves: whoever comes from a lesser street pays half a crossing's wait where it meets a main street
(half of the time it lies on the far side), and the other half when leaving it on a lesser street again. Who crosses
pays it whole; who walks along the main street pays nothing on the way.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from gridgeo.errors import InputError
from gridgeo.network.build import assemble
from gridgeo.network.columns import read_flags
from gridgeo.network.graph import Network
from gridgeo.network.lines import keep_rows
from gridgeo.network.measure import Flags, Floats, require_positive
from gridgeo.network.person import Person

PERSONS = MappingProxyType(
    {
        "adult": Person(name="adult", speed_m_per_min=72.0),
        "elder": Person(name="elder", speed_m_per_min=54.0, slower_on=MappingProxyType({"steps": 3.0})),
        "wheelchair": Person(
            name="wheelchair", speed_m_per_min=50.0, avoids=("steps",), slower_on=MappingProxyType({})
        ),
    }
)
"""The persons gridgeo knows by name."""


def find_person(person: Person | str) -> Person:
    """Return a person by name.

    Parameters
    ----------
    person : Person or str
        A person, or the name of one of `PERSONS`.

    Returns
    -------
    Person
        The person.

    Raises
    ------
    InputError
        If there is none of that name, or the speed, a factor or a wait is not what it must be.
    """
    if isinstance(person, str):
        if person not in PERSONS:
            raise InputError("unknown_person", value=person, allowed=", ".join(PERSONS))
        return PERSONS[person]
    if not isinstance(person, Person):
        raise InputError("no_person", value=person, allowed=", ".join(PERSONS))
    require_positive(person.speed_m_per_min, key="bad_speed")
    for factor in person.slower_on.values():
        if not factor >= 1:
            raise InputError("bad_pace", value=factor)
    for wait in person.waits_min.values():
        if not (wait >= 0 and np.isfinite(wait)):
            raise InputError("bad_wait", value=wait)
    return person


def find_walker(person: str | None, *, speed_m_per_min: float | None = None) -> Person | None:
    """Return who walks, at another speed than the usual one where that is said.

    Parameters
    ----------
    person : str or None
        The name of one of `PERSONS`.
    speed_m_per_min : float, optional
        Metres per minute on the level; the person's own when left out.

    Returns
    -------
    Person or None
        The person; an adult where only a speed is said, None where neither is.

    Raises
    ------
    InputError
        If there is none of that name, or the speed is not above zero.
    """
    if speed_m_per_min is None:
        return None if person is None else find_person(person)
    return find_person(replace(find_person(person or "adult"), speed_m_per_min=speed_m_per_min))


def adapt_network(network: Network, person: Person | str, *, timed: bool = False) -> Network:
    """Return the network as a person walks it.

    Streets of classes that the person avoids are left out, and with them bridges that lead nowhere else: up there one
    only comes by stairs.

    Parameters
    ----------
    network : Network
        The network, with the column ``street_class`` in its streets.
    person : Person or str
        The person.
    timed : bool, optional
        Measure time instead of length: a metre is then what the person walks on the level in the time; slow ground is
        longer, and waits are metres, too.

    Returns
    -------
    Network
        A new network; the same when nothing differs.

    Raises
    ------
    InputError
        If there is no such person, or the streets have no classes.
    NetworkError
        If nothing is left to walk on.
    """
    person = find_person(person)
    plain = network.plain or network
    if not person.avoids and not timed:
        return plain
    if "street_class" not in plain.streets:
        raise InputError("missing_column", layer="streets", column="street_class")
    kind = plain.streets["street_class"]
    lines = keep_rows(plain.lines, ~kind.isin(person.avoids).to_numpy(dtype=bool))
    waits_m: Floats | None = None
    if timed:
        slower = kind.map(dict(person.slower_on)).fillna(1.0).to_numpy(dtype=np.float64)
        lines = replace(lines, along_m=lines.along_m * slower[lines.row])
        waits = kind.map(dict(person.waits_min)).fillna(0.0).to_numpy(dtype=np.float64)
        waits_m = np.asarray(waits * person.speed_m_per_min, dtype=np.float64)
    adapted = assemble(plain, lines, waits_m=waits_m)
    stranded = _stranded_bridges(adapted, plain.streets) if person.avoids else np.zeros(len(kind), dtype=bool)
    if stranded.any():
        adapted = assemble(plain, keep_rows(lines, ~stranded), waits_m=waits_m)
    return replace(adapted, plain=plain, person=person, timed=timed)


def _stranded_bridges(network: Network, streets: pd.DataFrame) -> Flags:
    """Tell which streets lie on islands of nothing but bridges; shape (streets,)."""
    island = network.island_of_node[network.edge_u[network.segment_edge]]
    bridge = read_flags(streets, "bridge", layer="streets", default=False)
    grounded = np.zeros(int(island.max(initial=0)) + 1, dtype=bool)
    grounded[island[~bridge[network.segment_row]]] = True
    stranded = np.zeros(len(streets), dtype=bool)
    stranded[network.segment_row[~grounded[island]]] = True
    return stranded
