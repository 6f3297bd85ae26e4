"""Exact choices: the cheapest set of grids out of many, and every grid that a small region could have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gridgeo.blocks.faces import Floats, Integers
from gridgeo.partition.atoms import Atoms

_MOST_SETS, _SETS_OF_ONE = 20_000, 2_000
_MOST_NODES = 200
_GAP = 0.02
_OUTSIDE = 1000.0


def choose_sets(sets: list[Integers], cost: Floats, n: int, *, gap: float = 1e-4) -> Integers | None:
    """Choose sets that hold each of `n` things exactly once, at the least cost (a set partition, solved by HiGHS).

    Parameters
    ----------
    sets : list of array of int
        The things in each set.
    cost : array of float, one a set
        What each costs.
    n : int
        How many things there are.
    gap : float
        How much worse than the best the choice may be, relatively.

    Returns
    -------
    array of int or None
        The positions of the sets chosen; None when there is no choice, or none proven best in so many steps. The limit
        is one of steps, not of time, so that a slow machine gives the same answer.
    """
    import highspy  # noqa: PLC0415 - slow to load and only needed here

    model = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy declares no types
    model.setOptionValue("output_flag", False)  # noqa: FBT003 - the solver's own signature
    model.setOptionValue("mip_max_nodes", _MOST_NODES)
    model.setOptionValue("mip_rel_gap", gap)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(sets), n
    lp.col_cost_ = cost
    lp.col_lower_, lp.col_upper_ = np.zeros(len(sets)), np.ones(len(sets))
    lp.row_lower_ = lp.row_upper_ = np.ones(n)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * len(sets)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.cumsum([0, *(len(mine) for mine in sets)])
    lp.a_matrix_.index_ = np.concatenate(sets)
    lp.a_matrix_.value_ = np.ones(len(lp.a_matrix_.index_))
    model.passModel(lp)
    model.run()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return np.flatnonzero(np.array(model.getSolution().col_value) > 0.5).astype(np.int64)  # noqa: PLR2004 - 0 or 1


def fits_somewhere(atoms: Atoms, atom: int, band: tuple[float, float]) -> bool:
    """Tell whether an atom lies in any set that hangs together on foot and keeps the band.

    Parameters
    ----------
    atoms : Atoms
        What is put together.
    atom : int
        Which one.
    band : (float, float)
        The band.

    Returns
    -------
    bool
        False only when every such set was tried; True, too, when there are too many to try.
    """
    low, high = band
    stack, seen = [frozenset([atom])], set[frozenset[int]]()
    while stack:
        chosen = stack.pop()
        held = float(atoms.weight[list(chosen)].sum())
        if low <= held <= high or len(seen) > _SETS_OF_ONE:
            return True
        for near in across_empty(atoms, list(chosen)):
            wider = chosen | {near}
            if held + atoms.weight[near] <= high and wider not in seen:
                seen.add(wider)
                stack.append(wider)
    return False


def solve_region(atoms: Atoms, band: tuple[float, float]) -> tuple[Integers, int] | None:
    """Cut a small region so that as few of its atoms as possible lie in grids outside the band.

    Every grid is tried that the atoms with households could make: sets that hang together on foot, be it across ground
    where nobody lives. Two grids may thus reach across the same empty ground; so the number returned is a bound that
    no partition can beat, and mostly reached.

    Parameters
    ----------
    atoms : Atoms
        One region.
    band : (float, float)
        The band.

    Returns
    -------
    label : array of int, one an atom
        The grid of each atom with households, -1 for the others.
    outside : int
        How many atoms with households no partition can bring into the band together.
    None
        When nobody lives there, there are too many grids to try, or none was proven best.
    """
    low, high = band
    people = np.flatnonzero(atoms.weight > 0)
    if len(people) == 0:
        return None
    sets: list[Integers] = []
    for tried, chosen in enumerate(_connected_sets(atoms, people, high)):
        if tried == _MOST_SETS:
            return None
        if low <= atoms.weight[chosen].sum() <= high:
            sets.append(np.array(chosen, dtype=np.int64))
    middle = (low + high) / 2
    cost = [1.0 + ((atoms.weight[mine].sum() - middle) / middle) ** 2 + _open_border(atoms, mine) for mine in sets]
    alone = [np.array([atom], dtype=np.int64) for atom in people.tolist()]
    number = np.full(len(atoms), -1, dtype=np.int64)
    number[people] = np.arange(len(people))
    columns = [number[mine] for mine in (*sets, *alone)]
    taken = choose_sets(columns, np.array([*cost, *[_OUTSIDE] * len(alone)]), len(people), gap=_GAP)
    if taken is None:
        return None
    label = np.full(len(atoms), -1, dtype=np.int64)
    for grid, column in enumerate(taken.tolist()):
        label[people[columns[column]]] = grid
    return label, int((taken >= len(sets)).sum())


def _connected_sets(atoms: Atoms, people: Integers, high: float) -> Iterator[list[int]]:
    """List every set of atoms with households that hangs together and holds no more than `high`, each once.

    Each set is grown from its first atom by later ones, and an atom once passed over stays out (Wernicke's ESU).
    """
    near = {atom: across_empty(atoms, [atom]) for atom in people.tolist()}
    for root in people.tolist():
        stack = [([root], {one for one in near[root] if one > root}, near[root] | {root})]
        while stack:
            chosen, open_, known = stack.pop()
            yield chosen
            held = atoms.weight[chosen].sum()
            rest = sorted(open_)
            for at, atom in enumerate(rest):
                if held + atoms.weight[atom] <= high:
                    fresh = {one for one in near[atom] if one > root} - known
                    stack.append(([*chosen, atom], {*rest[at + 1 :], *fresh}, known | near[atom]))


def across_empty(atoms: Atoms, chosen: list[int]) -> set[int]:
    """Return the atoms with households that a set can grow by; ground where nobody lives is walked through.

    Parameters
    ----------
    atoms : Atoms
        What is put together.
    chosen : list of int
        The set.

    Returns
    -------
    set of int
        Its neighbours.
    """
    reached, open_ = set(chosen), list(chosen)
    found: set[int] = set()
    while open_:
        atom = open_.pop()
        span = slice(int(atoms.start[atom]), int(atoms.start[atom + 1]))
        for near in atoms.end[span][atoms.walkable[span]].tolist():
            if near not in reached:
                reached.add(near)
                if atoms.weight[near] > 0:
                    found.add(near)
                else:
                    open_.append(near)
    return found


def _open_border(atoms: Atoms, mine: Integers) -> float:
    """Return the length of a set's borders that are no strong streets, in borders of a square of its area."""
    inside = set(mine.tolist())
    length = 0.0
    for atom in inside:
        for at in range(int(atoms.start[atom]), int(atoms.start[atom + 1])):
            if int(atoms.end[at]) not in inside:
                length += float(atoms.length[at]) * max(0.0, 1 - float(atoms.strength[at]))
    return length / (4 * float(np.sqrt(max(atoms.area[mine].sum(), 1.0))))
