"""The inner loops of the partition, compiled, second half: simulated annealing by boundary flips and tree re-cuts.

All randomness comes from one small generator held in an array: same seed, same result.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gridgeo.compiler import compiled
from gridgeo.partition.trees import (
    Flags,
    Floats,
    Graph,
    Integers,
    bisect,
    draw,
    grow_small_tree,
    grow_tree,
    pick,
    score_grid,
    tally,
    weigh_cuts,
)

_FEW = 64


class Desk(NamedTuple):
    """Room to work in for one re-cut, laid out once."""

    place: Integers
    nodes: Integers
    line: Integers
    parent: Integers
    depth: Integers
    key: Floats
    part: Floats
    kept: Floats
    inside: Flags


__all__ = ["Graph", "anneal", "bisect", "score_grid", "tally"]


@compiled
def hangs_together(
    atom: int,
    label: Integers,
    graph: Graph,
    seen: Integers,
    stamp: int,
    queue: Integers,
) -> bool:
    """Tell whether an atom's grid stays in one piece without it."""
    start, end, walkable = graph.start, graph.end, graph.walkable
    mine = label[atom]
    wanted, origin = 0, -1
    for at in range(start[atom], start[atom + 1]):
        if walkable[at] and label[end[at]] == mine:
            wanted += 1
            origin = end[at]
            seen[end[at]] = -stamp
    if wanted <= 1:
        return wanted == 1
    head, tail, found = 0, 1, 1
    queue[0] = origin
    seen[origin], seen[atom] = stamp, stamp
    while head < tail:
        node = queue[head]
        head += 1
        for at in range(start[node], start[node + 1]):
            near = end[at]
            if walkable[at] and label[near] == mine and seen[near] != stamp:
                if seen[near] == -stamp:
                    found += 1
                    if found == wanted:
                        return True
                seen[near] = stamp
                queue[tail] = near
                tail += 1
    return False


@compiled
def anneal(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one compiled loop over shared counters
    label: Integers,
    n: int,
    graph: Graph,
    region: Integers,
    fixed: Flags,
    home: Integers,
    rule: Floats,
    steps: int,
    hot: float,
    cold: float,
    recuts: float,
    state: Integers,
) -> float:
    """Improve an assignment in place by boundary flips and tree re-cuts; return the objective of the best seen."""
    start, end, length, cost, weight, area = graph.start, graph.end, graph.length, graph.cost, graph.weight, graph.area
    atoms = len(label)
    total, ground, around, members = tally(label, n, graph)
    seen, queue = np.zeros(atoms, np.int64), np.empty(atoms, np.int64)
    desk = Desk(
        np.full(atoms, -1, np.int64), np.empty(atoms, np.int64), np.empty(atoms, np.int64), np.empty(atoms, np.int64),
        np.empty(atoms, np.int64), np.empty(atoms), np.empty((atoms, 5)), np.empty((atoms, 2)),
        np.empty(atoms, np.bool_),
    )  # fmt: skip
    score, value = np.empty(n), 0.0
    for grid in range(n):
        score[grid] = score_grid(total[grid], ground[grid], around[grid], rule)
        value += score[grid]
    for atom in range(atoms):
        for at in range(start[atom], start[atom + 1]):
            if end[at] > atom and label[end[at]] != label[atom]:
                value += rule[6] * cost[at]
    burden = rule[7] * (weight + 0.001 * rule[2]) / rule[2]
    for atom in range(atoms):
        if home[atom] >= 0 and home[atom] != label[atom]:
            value += burden[atom]
    best, best_label = value, label.copy()
    stamp = 0
    decay = (cold / hot) ** (1.0 / max(steps, 1))
    heat = hot
    for _ in range(steps):
        heat *= decay
        atom = pick(state, atoms)
        degree = start[atom + 1] - start[atom]
        if degree == 0:
            continue
        at = start[atom] + pick(state, degree)
        other = end[at]
        a, b = label[atom], label[other]
        if a == b or region[atom] != region[other] or not graph.walkable[at]:
            continue
        if draw(state) < recuts:
            change = _recut(
                atom, a, b, label, graph, fixed, home, burden, rule, heat,
                total, ground, around, members, score, desk, state,
            )  # fmt: skip
            value += change
            continue
        if fixed[atom] or members[a] <= 1:
            continue
        with_a, with_b, cut = 0.0, 0.0, 0.0
        outside = graph.rim[atom]
        for link in range(start[atom], start[atom + 1]):
            near = label[end[link]]
            if near == a:
                with_a += length[link]
                cut += cost[link]
            elif near == b:
                with_b += length[link]
                cut -= cost[link]
            else:
                outside += length[link]
        new_a = score_grid(total[a] - weight[atom], ground[a] - area[atom], around[a] - outside - with_b + with_a, rule)
        new_b = score_grid(total[b] + weight[atom], ground[b] + area[atom], around[b] + outside - with_b + with_a, rule)
        change = new_a + new_b - score[a] - score[b] + rule[6] * cut
        if home[atom] == a:
            change += burden[atom]
        elif home[atom] == b:
            change -= burden[atom]
        if change > 0 and draw(state) >= np.exp(-change / heat):
            continue
        stamp += 1
        if not hangs_together(atom, label, graph, seen, stamp, queue):
            continue
        label[atom] = b
        total[a] -= weight[atom]
        total[b] += weight[atom]
        ground[a] -= area[atom]
        ground[b] += area[atom]
        around[a] += with_a - with_b - outside
        around[b] += with_a - with_b + outside
        members[a] -= 1
        members[b] += 1
        score[a], score[b] = new_a, new_b
        value += change
        if value < best - 1e-9 and heat < hot * 0.1:
            best = value
            best_label[:] = label
    if best < value:
        label[:] = best_label
        value = best
    return value


@compiled
def _gather(
    atom: int, a: int, b: int, label: Integers, graph: Graph, fixed: Flags, place: Integers, nodes: Integers
) -> tuple[int, bool]:
    """List the atoms of two grids that hang together with one; return their number and whether one is fixed."""
    nodes[0], place[atom] = atom, 0
    head, tail, held = 0, 1, fixed[atom]
    while head < tail and not held:
        for at in range(graph.start[nodes[head]], graph.start[nodes[head] + 1]):
            near = graph.end[at]
            if graph.walkable[at] and place[near] < 0 and (label[near] == a or label[near] == b):
                place[near], nodes[tail] = tail, near
                tail += 1
                held = held or fixed[near]
        head += 1
    return tail, held


@compiled
def _recut(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one compiled loop over shared counters
    atom: int,
    a: int,
    b: int,
    label: Integers,
    graph: Graph,
    fixed: Flags,
    home: Integers,
    burden: Floats,
    rule: Floats,
    heat: float,
    total: Floats,
    ground: Floats,
    around: Floats,
    members: Integers,
    score: Floats,
    desk: Desk,
    state: Integers,
) -> float:
    """Join two grids and cut them anew along a random spanning tree, if that is accepted; return the change."""
    start, end, cost = graph.start, graph.end, graph.cost
    place, line, parent, part, kept = desk.place, desk.line, desk.parent, desk.part, desk.kept
    m, held = _gather(atom, a, b, label, graph, fixed, place, desk.nodes)
    nodes = desk.nodes[:m]
    if held or m < members[a] + members[b]:
        for i in range(m):
            place[nodes[i]] = -1
        return 0.0
    if m <= _FEW:
        grow_small_tree(nodes, place, graph, 1.0, state, line, parent, desk.key)
    else:
        line, parent = grow_tree(nodes, place, graph, 1.0, state)
    weigh_cuts(nodes, place, line, parent, graph, desk.depth, part)
    now = 0.0
    # What each part holds of today's two grids: moving it away costs.
    for i in range(m):
        node = nodes[i]
        place[node] = -1
        kept[i, 0] = burden[node] if home[node] == a else 0.0
        kept[i, 1] = burden[node] if home[node] == b else 0.0
        if home[node] != label[node]:
            now += kept[i, 0] + kept[i, 1]
        if label[node] == a:
            for at in range(start[node], start[node + 1]):
                if label[end[at]] == b:
                    now += rule[6] * cost[at]
    for at in range(m - 1, 0, -1):
        for side in range(2):
            kept[parent[line[at]], side] += kept[line[at], side]
    root = line[0]
    top, top_score, top_swap = -1, np.inf, False
    for node in range(m):
        if parent[node] < 0:
            continue
        common = part[node, 3]
        new = score_grid(part[node, 0], part[node, 1], part[node, 2] + common, rule) + rule[6] * part[node, 4]
        if new >= top_score:
            continue
        rest = part[root, 2] - part[node, 2] + common
        new += score_grid(part[root, 0] - part[node, 0], part[root, 1] - part[node, 1], rest, rule)
        as_a = kept[node, 1] + kept[root, 0] - kept[node, 0]
        as_b = kept[node, 0] + kept[root, 1] - kept[node, 1]
        new += min(as_a, as_b)
        if new < top_score:
            top, top_score, top_swap = node, new, as_b < as_a
    change = top_score - score[a] - score[b] - now
    if top < 0 or (change > 0 and draw(state) >= np.exp(-change / heat)):
        return 0.0
    mine, yours = (b, a) if top_swap else (a, b)
    members[mine] = members[yours] = 0
    for at in range(m):
        node = line[at]
        under = node == top or (parent[node] >= 0 and desk.inside[parent[node]])
        desk.inside[node] = under
        grid = mine if under else yours
        label[nodes[node]] = grid
        members[grid] += 1
    for side in range(3):
        values = (total, ground, around)[side]
        values[mine], values[yours] = part[top, side], part[root, side] - part[top, side]
    around[mine] += part[top, 3]
    around[yours] += part[top, 3]
    for grid in (mine, yours):
        score[grid] = score_grid(total[grid], ground[grid], around[grid], rule)
    return float(change)
