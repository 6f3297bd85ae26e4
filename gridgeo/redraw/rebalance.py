"""Neighbouring grids balanced again among themselves: block by block over their common borders, nothing else moves.

The objective is that of `gridgeo.partition`; the search is a tabu search (Glover 1986) that always takes the best move
of a single block, even a worse one, never moves the same block twice in a row, and keeps the best it met.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gridgeo.errors import InputError
from gridgeo.partition import Objective
from gridgeo.plan import Plan
from gridgeo.redraw.assign import reassign, require_row, require_unlocked
from gridgeo.redraw.board import NOBODY, find_board
from gridgeo.redraw.edits import Edit
from gridgeo.redraw.grids import Draft
from gridgeo.redraw.ground import Ground, Ints, find_ground
from gridgeo.redraw.split import held_households

DEFAULT_BAND = (300.0, 500.0)
"""Households a grid holds by local rules (Haikou; a town in Anhui)."""

_REST = 8
_PATIENCE = 40
_STEPS = 400
_GAIN = 1e-9


def rebalance_grids(plan: Plan, edit: Edit) -> Draft:
    """Balance some grids among themselves.

    Parameters
    ----------
    plan : Plan
        The plan.
    edit : Edit
        ``grids``, and ``low`` and ``high``, the band of households (300 to 500 when left out).

    Returns
    -------
    Draft
        The changes.

    Raises
    ------
    InputError
        If a grid does not exist or is locked, there is only one, the band is none, or nothing can be improved.
    """
    grids = edit.get("grids")
    for grid in grids:
        require_row(plan, "grids", grid)
    if len(grids) == 1:
        raise InputError("rebalance_one", value=grids[0])
    require_unlocked(plan, set(grids))
    low, high = edit.get("low") or DEFAULT_BAND[0], edit.get("high") or DEFAULT_BAND[1]
    if not 0 < low <= high:
        raise InputError("bad_band", low=low, high=high)
    board = find_board(plan)
    members = np.sort(np.concatenate([board.members.get(grid, NOBODY) for grid in grids]))
    number = {grid: place for place, grid in enumerate(sorted(grids))}
    start = [number[board.labels[block]] for block in members]
    search = _Search(plan, find_ground(plan), members, start, (low, high))
    best = search.run()
    if best == start:
        raise InputError("rebalance_best", value=", ".join(grids))
    names = np.array(sorted(grids), dtype=object)
    return Draft(tuple(reassign(plan, members, names[best])))


@dataclass
class _Search:
    """The state of one search; small lists rather than arrays, since a handful of grids hold some tens of blocks."""

    plan: Plan
    ground: Ground
    members: Ints
    label: list[int]
    band: tuple[float, float]
    beside: list[list[tuple[int, float, float, bool]]] = field(init=False)
    outer: list[float] = field(init=False)

    def __post_init__(self) -> None:
        ground, members = self.ground, self.members
        inside = {int(block): place for place, block in enumerate(members)}
        community = find_board(self.plan).communities[members]
        self.label = list(self.label)
        self.beside, self.outer = [], []
        self.community = community
        for block in members:
            links = range(ground.start[block], ground.start[block + 1])
            near = [(inside.get(int(ground.end[link]), -1), link) for link in links]
            self.beside.append(
                [
                    (other, float(ground.length[link]), float(ground.strength[link]), bool(ground.walkable[link]))
                    for other, link in near
                    if other >= 0
                ]
            )
            away = sum(float(ground.length[link]) for other, link in near if other < 0)
            self.outer.append(away + float(ground.rim[block]))
        self.weight = held_households(self.plan)[members].tolist()
        self.area = ground.area[members].tolist()
        self.objective = Objective()
        grids = max(self.label) + 1
        self.reference = 4 * float(np.sqrt(sum(self.area) / grids))
        self.homes = [{community[i] for i in range(len(members)) if self.label[i] == grid} for grid in range(grids)]

    def run(self) -> list[int]:
        """Return the best assignment met."""
        grids = max(self.label) + 1
        parts = [[i for i, label in enumerate(self.label) if label == grid] for grid in range(grids)]
        score = [self._score(part) for part in parts]
        value = least = 0.0
        best, resting, idle = list(self.label), {}, 0  # type: ignore[var-annotated]
        for step in range(_STEPS):
            found: tuple[float, int, int, float, float] | None = None
            for block in range(len(self.label)):
                if resting.get(block, -1) >= step:
                    continue
                for target in sorted({self.label[other] for other, *_ in self.beside[block]} - {self.label[block]}):
                    move = self._weigh(block, target, parts, score)
                    if move is not None and (found is None or move[0] < found[0] - _GAIN):
                        found = (move[0], block, target, move[1], move[2])
            if found is None:
                break
            gain, block, target, source_score, target_score = found
            source = self.label[block]
            parts[source].remove(block)
            parts[target].append(block)
            score[source], score[target] = source_score, target_score
            self.label[block], resting[block] = target, step + _REST
            value += gain
            idle += 1
            if value < least - _GAIN:
                least, best, idle = value, list(self.label), 0
            if idle >= _PATIENCE:
                break
        return best

    def _weigh(
        self, block: int, target: int, parts: list[list[int]], score: list[float]
    ) -> tuple[float, float, float] | None:
        """Return what moving a block would change, and both grids' scores then; None when it may not move."""
        source = self.label[block]
        allowed = self.community[block] in self.homes[target] or not self.homes[target]
        walk = any(walkable for other, _, _, walkable in self.beside[block] if self.label[other] == target)
        if not allowed or not walk or len(parts[source]) == 1 or not self._holds_without(block, parts[source]):
            return None
        street = 0.0
        for other, length, strength, _ in self.beside[block]:
            cost = length * (1 - strength) / self.reference
            street += cost * ((self.label[other] != target) - (self.label[other] != source))
        left = self._score([i for i in parts[source] if i != block])
        grown = self._score([*parts[target], block])
        gain = left + grown - score[source] - score[target] + self.objective.street * street
        return gain, left, grown

    def _holds_without(self, block: int, part: list[int]) -> bool:
        """Tell whether a grid is in no more pieces on foot without a block than with it."""
        near = [
            other for other, _, _, walkable in self.beside[block] if walkable and self.label[other] == self.label[block]
        ]
        if not near:
            return True
        rest = set(part) - {block}
        seen, queue = {near[0]}, [near[0]]
        while queue:
            for other, _, _, walkable in self.beside[queue.pop()]:
                if walkable and other in rest and other not in seen:
                    seen.add(other)
                    queue.append(other)
        return all(other in seen for other in near)

    def _score(self, part: list[int]) -> float:
        """Return a grid's terms of the objective."""
        low, high = self.band
        middle = (low + high) / 2
        inside = set(part)
        held = sum(self.weight[i] for i in part)
        area = sum(self.area[i] for i in part)
        around = sum(
            self.outer[i] + sum(length for other, length, _, _ in self.beside[i] if other not in inside) for i in part
        )
        excess = max(0.0, held - high, low - held) / middle
        compact = 4 * np.pi * area / max(around, 1e-9) ** 2
        goal = self.objective
        return float(
            goal.balance * ((held - middle) / middle) ** 2 + goal.band * excess + goal.compactness * (1 - compact)
        )
