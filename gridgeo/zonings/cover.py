"""Zones chosen out of many so that they cover the ground exactly and move the fewest households (set partitioning).

A zone that is chosen may bear the name of one zone of each department, and each of those names goes to one zone: the
households that both hold stay. So zones and names are chosen together, by one whole-number program (HiGHS).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, hstack, vstack

from gridgeo.network.measure import Floats, Ints
from gridgeo.zonings.polish import Sides

_MOST_NODES = 2000
_FIRST, _WIDER = 0.02, 3.0
_SLACK, _HALF = 1e-6, 0.5


def list_zones(sides: Sides, *, most: int, zones: int = 10_000) -> list[Ints] | None:
    """List every zone that keeps the band and hangs together on foot within its region, each once.

    Ground where nobody lives is in a zone only where the zone would fall apart without it: what is left of such ground
    can join any zone beside it afterwards.

    A zone is grown from its first block by later ones; a block once passed over stays out (Wernicke's ESU).

    Parameters
    ----------
    sides : Sides
        The blocks, or pieces of several.
    most : int
        How many sets of blocks are tried at most.
    zones : int, optional
        How many zones are listed at most.

    Returns
    -------
    list of ndarray of int64, or None
        The blocks of each zone; None where there are more.
    """
    near = [sum(1 << int(other) for other in set(sides.beside(block).tolist())) for block in range(len(sides.load))]
    empty = sum(1 << block for block, held in enumerate(sides.load.tolist()) if held == 0)
    found: list[Ints] = []
    for tried, (chosen, held) in enumerate(_grow(near, sides.load.tolist(), sides.high)):
        if tried == most or len(found) > zones:
            return None
        if held >= sides.low and not any(_holds(near, chosen & ~(1 << block)) for block in _bits(chosen & empty)):
            found.append(np.array(list(_bits(chosen)), dtype=np.int64))
    return found


def _holds(near: list[int], chosen: int) -> bool:
    """Tell whether a set hangs together."""
    reached = fresh = chosen & -chosen
    while fresh:
        wider = 0
        for block in _bits(fresh):
            wider |= near[block]
        fresh = wider & chosen & ~reached
        reached |= fresh
    return reached == chosen


def _grow(near: list[int], load: list[float], high: float) -> Iterator[tuple[int, float]]:
    for root in range(len(load)):
        later = -1 << (root + 1)
        stack = [(1 << root, near[root] & later, near[root] | 1 << root, load[root])] if load[root] <= high else []
        while stack:
            chosen, open_, known, held = stack.pop()
            yield chosen, held
            for block in _bits(open_):
                open_ &= ~(1 << block)
                if held + load[block] <= high:
                    fresh = near[block] & later & ~known
                    stack.append((chosen | 1 << block, open_ | fresh, known | near[block], held + load[block]))


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def choose_zones(zones: list[Ints], zonings: Ints, homes: Floats, *, below: float = np.inf) -> tuple[Ints, bool] | None:
    """Choose zones that hold every home once, and move the fewest households against the names that departments give.

    The program without the demand that numbers be whole gives a bound and a price for each zone: by how much the bound
    rises if the zone is chosen. Only zones cheaper than a limit are given to the whole-number program; when its answer
    is within the limit of the bound, no other zone could have been in a better one.

    Parameters
    ----------
    zones : list of ndarray of int64
        The zones to choose from.
    zonings : ndarray of int64, shape (zonings, blocks)
        The departments' zone of each block; -1 for none.
    homes : ndarray of float, shape (blocks,)
        The households of each; where nobody lives, a block may be in no zone.
    below : float, optional
        Only a choice that moves fewer is wanted.

    Returns
    -------
    label : ndarray of int64, shape (blocks,)
        The zone of each block; -1 for none.
    proven : bool
        Whether no other choice of these zones moves fewer households.
    None
        When they cannot cover the ground, none is below the limit, or none was found in so many steps: steps, not
        seconds, so that a slow machine gives the same answer.
    """
    count, n = len(zones), zonings.shape[1]
    if count == 0:
        return None
    column, block = np.repeat(np.arange(count), [len(mine) for mine in zones]), np.concatenate(zones)
    cover = csr_array((np.ones(len(block)), (block, column)), shape=(n, count))
    names = _list_names(column, block, zonings, homes)
    loss = (cover.T @ (homes * (zonings >= 0).sum(axis=0))) - names.best(count)
    program = _Program(cover, names, loss, (homes > 0).astype(np.float64))
    bound = program.relax()
    if bound is None or bound[0] > below:
        return None
    least, price = bound
    limit = _FIRST * float(homes.sum())
    while True:
        some = np.flatnonzero(price <= limit + _SLACK)
        found = program.pick(some).decide(gap=_HALF / max(least + limit, 1.0))
        if found is not None and (found[1] - least <= limit + _SLACK or len(some) == count):
            return (_labels(zones, some[found[0]], n), found[2]) if found[1] <= below else None
        if len(some) == count:
            return None
        limit *= _WIDER


@dataclass(frozen=True, eq=False)
class _Names:
    """Names that zones could bear: whose, of which department, and what then keeps its name."""

    owner: Ints
    department: Ints
    name: Ints
    gain: Floats

    def best(self, count: int) -> Floats:
        """Sum what each zone keeps under the names that it would like most."""
        best = np.zeros((count, int(self.department.max(initial=0)) + 1))
        np.maximum.at(best, (self.owner, self.department), self.gain)
        every: Floats = best.sum(axis=1)
        return every

    def pick(self, some: Ints) -> _Names:
        """Keep the names of some zones, which are numbered anew."""
        place = np.full(int(max(self.owner.max(initial=0), some.max(initial=0))) + 1, -1, dtype=np.int64)
        place[some] = np.arange(len(some))
        kept = place[self.owner] >= 0
        return _Names(place[self.owner[kept]], self.department[kept], self.name[kept], self.gain[kept])


def _list_names(column: Ints, block: Ints, zonings: Ints, weight: Floats) -> _Names:
    width = int(zonings.max(initial=0)) + 1
    parts = []
    for row, labels in enumerate(zonings):
        some = labels[block] >= 0
        key, place = np.unique(column[some] * width + labels[block[some]], return_inverse=True)
        gain = np.bincount(place, weights=weight[block[some]], minlength=len(key)).astype(np.float64)
        parts.append((key // width, np.full(len(key), row), row * width + key % width, gain))
    owner, department, name, gain = (np.concatenate([part[at] for part in parts]) for at in range(4))
    some = gain > 0
    return _Names(owner[some], department[some], name[some], gain[some])


@dataclass(frozen=True, eq=False)
class _Program:
    """The whole-number program: which zones, and which names they bear."""

    cover: csr_array
    names: _Names
    loss: Floats
    least: Floats

    def pick(self, some: Ints) -> _Program:
        """Keep some zones."""
        return _Program(self.cover[:, some], self.names.pick(some), self.loss[some], self.least)

    def relax(self) -> tuple[float, Floats] | None:
        """Find a bound, and by how much each zone raises it at least if it is chosen."""
        cost, (cover, bear, once) = self._rules()
        upper = np.concatenate([np.ones(len(self.least)), -self.least, bear.ub, once.ub])
        matrix = vstack([cover.A, -cover.A, bear.A, once.A])
        done = linprog(cost, A_ub=matrix, b_ub=upper, bounds=(0, 1))
        return (float(done.fun), done.lower.marginals[: len(self.loss)]) if done.status == 0 else None

    def decide(self, *, gap: float) -> tuple[Ints, float, bool] | None:
        """Choose: which zones, how many households move, and whether that is proven to be the fewest."""
        cost, rules = self._rules()
        free = (np.arange(len(cost)) < len(self.loss)).astype(np.int64)
        options = {"mip_rel_gap": gap, "node_limit": _MOST_NODES}
        done = milp(cost, constraints=rules, integrality=free, bounds=Bounds(0, 1), options=options)
        if done.x is None:
            return None
        return np.flatnonzero(done.x[: len(self.loss)] > _HALF), float(done.fun), done.status == 0

    def _rules(self) -> tuple[Floats, list[LinearConstraint]]:
        """Let only zones that are chosen bear names, one of each department, and each name be borne once."""
        (n, count), names = self.cover.shape, self.names
        k, departments = len(names.name), int(names.department.max(initial=0)) + 1
        bearer, at = np.unique(names.owner * departments + names.department, return_inverse=True)
        _, given = np.unique(names.name, return_inverse=True)
        every, one, m = np.arange(k), np.ones(k), len(bearer)
        held = csr_array((-np.ones(m), (np.arange(m), bearer // departments)), shape=(m, count))
        borne = csr_array((one, (given, every)))
        rules = [
            LinearConstraint(hstack([self.cover, csr_array((n, k))]), self.least, np.ones(n)),
            LinearConstraint(hstack([held, csr_array((one, (at, every)), shape=(m, k))]), -np.inf, np.zeros(m)),
            LinearConstraint(hstack([csr_array((borne.shape[0], count)), borne]), -np.inf, np.ones(borne.shape[0])),
        ]
        return np.concatenate([self.loss + names.best(count), -names.gain]), rules


def _labels(zones: list[Ints], chosen: Ints, n: int) -> Ints:
    label = np.full(n, -1, dtype=np.int64)
    for number, zone in enumerate(chosen.tolist()):
        label[zones[zone]] = number
    return label
