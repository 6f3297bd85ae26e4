"""The search for a partition: how many grids a region holds, the first cut, its improvement, the choice of a pool."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gridgeo.blocks.faces import Floats, Integers
from gridgeo.partition.atoms import Atoms, grow_labels, link_parts, pick_atoms
from gridgeo.partition.exact import choose_sets, fits_somewhere, solve_region

if TYPE_CHECKING:
    from gridgeo.partition import annealing

Flags = npt.NDArray[np.bool_]

HOT, WARM, COLD, RECUTS = 0.3, 0.1, 0.02, 0.1
"""Temperatures of the annealing (first, first from a known partition, last), and the share of re-cuts."""

_STEPS_AN_ATOM, _STEPS_OF_MANY, _STEPS_AT_LEAST, _STEPS_MORE = 200, 130, 200_000, 400_000
_TREES = 4
_TURNS = 3
_REFINED_ATOMS = 600
_FEWER, _MORE, _BETTER = 2, 3, 1e-9
_RINGS = 3


@dataclass(frozen=True)
class Objective:
    """What a good partition is: the weights of the terms of the objective.

    Parameters
    ----------
    balance : float
        Of the squared relative distance from the middle of the band.
    band : float
        Of leaving the band.
    compactness : float
        Of one minus Polsby-Popper.
    street : float
        Of borders that are no strong streets.
    move : float
        Of moving a grid's worth of households out of today's grid, where there is one.
    """

    balance: float = 0.1
    band: float = 40.0
    compactness: float = 1.8
    street: float = 4.0
    move: float = 3.0


@dataclass(frozen=True)
class Task:
    """One question to the search.

    Parameters
    ----------
    atoms : Atoms
        What is put together.
    low, high : float
        The band.
    objective : Objective
        The weights.
    fixed : array of bool, one an atom
        Atoms that stay in their grid.
    home : array of int, one an atom
        Today's grid, -1 for none.
    counts : array of int, one a region
        How many grids each region is cut into.
    """

    atoms: Atoms
    low: float
    high: float
    objective: Objective
    fixed: Flags
    home: Integers
    counts: Integers

    @property
    def rule(self) -> Floats:
        """The objective as the inner loops want it."""
        goal = self.objective
        middle = (self.low + self.high) / 2
        values = (self.low, self.high, middle, goal.balance, goal.band, goal.compactness, goal.street, goal.move)
        return np.array(values, dtype=float)

    @property
    def cost(self) -> Floats:
        """The cost of each common border, in borders of a square grid of average size."""
        atoms = self.atoms
        reference = 4 * np.sqrt(atoms.area.sum() / max(1, int(self.counts.sum())))
        cost: Floats = atoms.length * (1 - atoms.strength) / reference
        return cost

    @property
    def graph(self) -> annealing.Graph:
        """The atoms as the inner loops want them."""
        from gridgeo.partition import annealing  # noqa: PLC0415 - the compiler is slow to load and only needed here

        atoms = self.atoms
        return annealing.Graph(
            atoms.start, atoms.end, atoms.length, self.cost, atoms.walkable, atoms.strength,
            atoms.weight, atoms.area, atoms.rim,
        )  # fmt: skip


def count_grids(weights: Floats, low: float, high: float) -> int:
    """Return how many grids a region should be cut into.

    Parameters
    ----------
    weights : array of float
        The households of its atoms.
    low, high : float
        The band.

    Returns
    -------
    int
        At least 1. An atom above the band is a grid of its own; for the rest, the number that brings the mean nearest
        to the middle of the band among those that leave it least.
    """
    heavy = weights > high
    rest = float(weights[~heavy].sum())
    if heavy.any() and rest < low:
        return int(heavy.sum())
    middle = (low + high) / 2
    about = max(1, round(rest / middle))
    near = range(max(1, about - 2), about + 3)
    best = min(near, key=lambda k: (max(0.0, rest / k - high, low - rest / k), abs(rest / k - middle)))
    return int(heavy.sum()) + best


def count_all(atoms: Atoms, low: float, high: float) -> Integers:
    """Return how many grids each region should be cut into.

    Parameters
    ----------
    atoms : Atoms
        What is put together.
    low, high : float
        The band.

    Returns
    -------
    array of int, one a region
        See `count_grids`.
    """
    regions = int(atoms.region.max()) + 1
    order = np.argsort(atoms.region, kind="stable")
    bounds = np.searchsorted(atoms.region[order], np.arange(regions + 1))
    weight = atoms.weight[order]
    return np.array([count_grids(weight[a:b], low, high) for a, b in pairwise(bounds)])


def count_outside(task: Task, label: Integers) -> int:
    """Count the grids outside the band.

    Parameters
    ----------
    task : Task
        The question.
    label : array of int, one an atom
        An answer.

    Returns
    -------
    int
        How many grids hold too little or too much.
    """
    held = np.bincount(label, weights=task.atoms.weight)[np.unique(label)]
    return int(((held < task.low) | (held > task.high)).sum())


def search(
    task: Task, *, seed: int, effort: float, start: Integers | None = None, hot: float = HOT
) -> tuple[Integers, float]:
    """Cut every region into its grids and improve them.

    Parameters
    ----------
    task : Task
        The question.
    seed : int
        Same seed, same answer.
    effort : float
        How long to search, as a multiple of the usual.
    start : array of int, optional
        The assignment to begin with, numbered from 0; by default trees are cut.
    hot : float
        The first temperature.

    Returns
    -------
    label : array of int, one an atom
        The grid of each atom.
    value : float
        The objective.
    """
    from gridgeo.partition import annealing  # noqa: PLC0415 - the compiler is slow to load and only needed here

    atoms, rule, graph = task.atoms, task.rule, task.graph
    state = np.array([1 + (int(seed) * 7919 + 12345) % 2147483646], dtype=np.int64)
    if start is None:
        label = np.zeros(len(atoms), dtype=np.int64)
        first = 0
        for region, count in enumerate(task.counts.tolist()):
            nodes = np.flatnonzero(atoms.region == region)
            annealing.bisect(label, first, count, nodes, graph, rule, _TREES, state)
            first += count
    else:
        label = start.astype(np.int64)
    wanted = min(_STEPS_AN_ATOM * len(atoms), _STEPS_MORE + _STEPS_OF_MANY * len(atoms))
    steps = int(effort * (_STEPS_AT_LEAST + wanted))
    grids = int(max(label.max() + 1, task.counts.sum()))
    value = annealing.anneal(
        label, grids, graph, atoms.region, task.fixed, task.home, rule, steps, hot, COLD, RECUTS, state
    )
    return label, float(value)


def refine_regions(task: Task, label: Integers, *, seed: int, effort: float) -> Integers:
    """Search again, with other numbers of grids, where a region still has grids outside the band.

    Where single blocks hold nearly a grid's worth, the number that suits the sum need not suit the parts.

    Parameters
    ----------
    task : Task
        The question.
    label : array of int, one an atom
        An answer.
    seed : int
        Same seed, same answer.
    effort : float
        How long each search is.

    Returns
    -------
    array of int, one an atom
        The answer, each such region replaced by the best of several.
    """
    label = np.unique(label, return_inverse=True)[1].astype(np.int64)
    held = np.bincount(label, weights=task.atoms.weight)
    bad = (held < task.low) | (held > task.high)
    fresh = int(label.max()) + 1
    for region in np.unique(task.atoms.region[bad[label]]).tolist():
        nodes = np.flatnonzero(task.atoms.region == region)
        if not 1 < len(nodes) <= _REFINED_ATOMS or not task.atoms.weight[nodes].sum() > 0:
            continue
        part = _only(task, nodes)
        now = np.unique(label[nodes], return_inverse=True)[1].astype(np.int64)
        best, value = None, _evaluate(part, now)
        tried = list(_try_counts(part, seed, effort))
        # What no single search brought together may lie in several of them.
        tried.append(_choose(part, [now, *tried], now))
        for found in tried:
            worth = _evaluate(part, found)
            if worth < value - _BETTER:
                best, value = found, worth
        if best is not None:
            label[nodes] = fresh + best
            fresh = int(label.max()) + 1
    return label


def mend_grids(task: Task, label: Integers) -> Integers:
    """Solve exactly, with the grids around it, each grid that the searches left outside the band.

    Parameters
    ----------
    task : Task
        The question.
    label : array of int, one an atom
        An answer.

    Returns
    -------
    array of int, one an atom
        The answer, bettered where fewer blocks can be outside the band.
    """
    label = np.unique(label, return_inverse=True)[1].astype(np.int64)
    row = np.repeat(np.arange(len(task.atoms)), np.diff(task.atoms.start))
    free = ~task.fixed
    held = np.bincount(label, weights=task.atoms.weight)
    bad = [np.flatnonzero(label == grid) for grid in np.flatnonzero((held < task.low) | (held > task.high))]
    region = np.bincount(task.atoms.region, weights=task.atoms.weight)
    for mine in bad:
        anchor = int(mine[0])
        lived_in = mine[task.atoms.weight[mine] > 0].tolist()
        if region[task.atoms.region[anchor]] < task.low or not all(
            fits_somewhere(task.atoms, atom, (task.low, task.high)) for atom in lived_in
        ):
            continue
        around = label == label[anchor]
        for _ in range(_RINGS):
            around = np.isin(label, label[np.r_[task.atoms.end[around[row] & task.atoms.walkable], anchor]])
            nodes = np.flatnonzero(around & free & (task.atoms.region == task.atoms.region[anchor]))
            part = _only(task, nodes)
            solved = solve_region(part.atoms, (task.low, task.high))
            if solved is None:
                break
            found = grow_labels(part.atoms, solved[0])
            now = np.unique(label[nodes], return_inverse=True)[1].astype(np.int64)
            if _is_whole(part.atoms, found) and _evaluate(part, found) < _evaluate(part, now) - _BETTER:
                label[nodes] = label.max() + 1 + found
                break
    return label


def _is_whole(atoms: Atoms, label: Integers) -> bool:
    """Tell whether every grid hangs together on foot: two may have reached across the same empty ground."""
    row = np.repeat(np.arange(len(atoms)), np.diff(atoms.start))
    inside = atoms.walkable & (label[row] == label[atoms.end])
    return len(np.unique(link_parts(row, atoms.end, inside, len(atoms)))) == len(np.unique(label))


def _try_counts(task: Task, seed: int, effort: float) -> Iterator[Integers]:
    """Try numbers of grids around the usual one in short, then the best at length from several seeds."""
    usual = int(task.counts[0])
    numbers = range(max(1, usual - _FEWER), min(len(task.atoms), usual + usual // 4 + _MORE) + 1)
    scores: dict[int, float] = {}
    for number in numbers:
        found, _ = search(replace(task, counts=np.array([number])), seed=seed, effort=effort / 4)
        found = np.unique(found, return_inverse=True)[1].astype(np.int64)
        scores[number] = _evaluate(task, found)
        yield found
    best = replace(task, counts=np.array([min(scores, key=lambda number: scores[number])]))
    for turn in range(1, _TURNS + 1):
        found, _ = search(best, seed=seed + turn, effort=effort)
        yield np.unique(found, return_inverse=True)[1].astype(np.int64)


def _only(task: Task, nodes: Integers) -> Task:
    """Cut a region out of the question."""
    counts = task.counts[[int(task.atoms.region[nodes[0]])]]
    part = pick_atoms(task.atoms, nodes)
    return Task(part, task.low, task.high, task.objective, task.fixed[nodes], task.home[nodes], counts)


def _evaluate(task: Task, label: Integers) -> float:
    """Return the objective of an answer."""
    from gridgeo.partition import annealing  # noqa: PLC0415 - the compiler is slow to load and only needed here

    atoms, rule = task.atoms, task.rule
    label = label.astype(np.int64)
    n = int(label.max()) + 1
    total, ground, around, _ = annealing.tally(label, n, task.graph)
    row = np.repeat(np.arange(len(atoms)), np.diff(atoms.start))
    streets = float(task.cost[label[row] != label[atoms.end]].sum() / 2 * rule[6])
    grids = [annealing.score_grid(total[k], ground[k], around[k], rule) for k in range(n)]
    return streets + float(np.sum(grids))


def search_pool(task: Task, *, seed: int, effort: float, size: int) -> Integers:
    """Search from several seeds, choose the best set of grids among all found, and improve it once more.

    The choice is exact: every grid found is a column, every atom must be covered once, and the sum of the grids' scores
    with half their borders' costs is least (a set partition, solved by HiGHS). It cannot be worse than the best single
    search.

    Parameters
    ----------
    task : Task
        The question.
    seed : int
        Same seed, same answer.
    effort : float
        How long each search is.
    size : int
        How many searches.

    Returns
    -------
    array of int, one an atom
        The grid of each atom.
    """
    best, value = search(task, seed=seed, effort=effort)
    for turn in range(_TURNS):
        # Searches from one start differ here and there only, so that their best places fit together.
        seeds = [1 + (seed * _TURNS + turn) * size + one for one in range(size)]
        found = [search(task, seed=one, effort=effort, start=best, hot=WARM) for one in seeds]
        chosen = _choose(task, [best, *(label for label, _ in found)], best)
        chosen, chosen_value = search(task, seed=seeds[0], effort=effort, start=chosen, hot=COLD)
        if chosen_value < value:
            best, value = chosen, chosen_value
    return best


def _choose(task: Task, labels: list[Integers], fallback: Integers) -> Integers:
    from gridgeo.partition import annealing  # noqa: PLC0415 - the compiler is slow to load and only needed here

    atoms, rule, cost = task.atoms, task.rule, task.cost
    columns: dict[bytes, tuple[Integers, float]] = {}
    row = np.repeat(np.arange(len(atoms)), np.diff(atoms.start))
    for label in labels:
        n = int(label.max()) + 1
        total, ground, around, members = annealing.tally(label, n, task.graph)
        cut = label[row] != label[atoms.end]
        street = np.bincount(label[row[cut]], weights=cost[cut], minlength=n) / 2
        order = np.argsort(label, kind="stable")
        bounds = np.searchsorted(label[order], np.arange(n + 1))
        for grid in np.flatnonzero(members):
            mine = order[bounds[grid] : bounds[grid + 1]]
            score = annealing.score_grid(total[grid], ground[grid], around[grid], rule) + rule[6] * street[grid]
            columns.setdefault(mine.tobytes(), (mine, float(score)))
    sets = [mine for mine, _ in columns.values()]
    taken = choose_sets(sets, np.array([score for _, score in columns.values()]), len(atoms))
    if taken is None:
        return fallback
    label = np.empty(len(atoms), dtype=np.int64)
    for number, column in enumerate(taken.tolist()):
        label[sets[column]] = number
    return label
