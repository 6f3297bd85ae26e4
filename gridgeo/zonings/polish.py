"""The last step of a merge: single blocks change sides while that moves fewer households and breaks no rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridgeo.network.measure import Flags, Floats, Ints
from gridgeo.zonings.labels import pair_zones

_SWEEPS = 30
_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class Sides:
    """Blocks and how they lie beside each other.

    Parameters
    ----------
    start, end : ndarray of int64
        Neighbours in compressed rows: those of block ``i`` are ``end[start[i]:start[i + 1]]``.
    walkable : ndarray of bool, one a neighbour
        Whether one can walk across.
    region : ndarray of int64, one a block
        Zones do not reach from one region into another.
    load : ndarray of float, one a block
        The households.
    low, high : float
        The band.
    """

    start: Ints
    end: Ints
    walkable: Flags
    region: Ints
    load: Floats
    low: float
    high: float

    def beside(self, block: int) -> Ints:
        """Return the blocks of its region that one can walk to from a block.

        Parameters
        ----------
        block : int
            The block.

        Returns
        -------
        ndarray of int64
            Its neighbours.
        """
        rows = slice(self.start[block], self.start[block + 1])
        near = self.end[rows][self.walkable[rows]]
        mine: Ints = near[self.region[near] == self.region[block]]
        return mine


def polish_labels(sides: Sides, label: Ints, zonings: Ints, weight: Floats) -> Ints:
    """Let blocks change sides as long as fewer households move.

    Parameters
    ----------
    sides : Sides
        The blocks.
    label : ndarray of int64, shape (blocks,)
        The zone of each.
    zonings : ndarray of int64, shape (zonings, blocks)
        What the departments have; -1 for none.
    weight : ndarray of float, shape (blocks,)
        What a move counts.

    Returns
    -------
    ndarray of int64, shape (blocks,)
        The zones: none leaves the band or falls apart that did not before, and none is given up.
    """
    label = label.copy()
    held: Floats = np.bincount(label, weights=sides.load).astype(np.float64)
    for _ in range(_SWEEPS):
        # What each department calls each zone, as it stands now.
        names = np.array([pair_zones(label, zones, weight) for zones in zonings])
        changed = False
        for block in range(len(label)):
            near = np.unique(label[sides.beside(block)])
            near = near[near != label[block]]
            if len(near) == 0:
                continue
            agreed = (names[:, near] == zonings[:, [block]]).sum(axis=0)
            here = int((names[:, label[block]] == zonings[:, block]).sum())
            gain = (agreed - here) * weight[block]
            for choice in np.argsort(-gain, kind="stable").tolist():
                if gain[choice] <= _LEAST:
                    break
                if _may_move(sides, label, held, block, int(near[choice])):
                    held[label[block]] -= sides.load[block]
                    held[near[choice]] += sides.load[block]
                    label[block] = near[choice]
                    changed = True
                    break
        if not changed:
            break
    return label


def _may_move(sides: Sides, label: Ints, held: Floats, block: int, to: int) -> bool:
    """Tell whether both zones keep the band as well as before, and the one it leaves stays in one piece on foot."""
    load, home = sides.load[block], int(label[block])
    left, joined = held[home] - load, held[to] + load
    if left < min(sides.low, held[home]) or joined > max(sides.high, held[to]):
        return False
    mine = [int(each) for each in sides.beside(block) if label[each] == home]
    if not mine:
        return False
    reached, queue = {mine[0]}, [mine[0]]
    while queue:
        for each in sides.beside(queue.pop()).tolist():
            if label[each] == home and each != block and each not in reached:
                reached.add(each)
                queue.append(each)
    return all(each in reached for each in mine)
