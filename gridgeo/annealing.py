"""The inner loops of the partition, compiled: spanning-tree cuts and boundary flips under one objective.

Kept apart from `gridgeo.partition` and imported by it only when a partition is made, so that nothing else waits for the
compiler. All randomness comes from one small generator held in an array: same seed, same result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Function = TypeVar("Function", bound=Callable[..., object])
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def compiled(function: Function) -> Function:
    """Compile a function when it is first called, and keep the machine code for the next run.

    Parameters
    ----------
    function : callable
        A function of numbers and arrays.

    Returns
    -------
    callable
        The same function, compiled.
    """
    return cast("Function", numba.njit(cache=True)(function))


_MODULUS = 2147483647


@compiled
def _draw(state: Integers) -> float:
    """Return a number in [0, 1) (Lehmer's generator, multiplier 48271)."""
    state[0] = state[0] * 48271 % _MODULUS
    drawn: float = state[0] / _MODULUS
    return drawn


@compiled
def _pick(state: Integers, n: int) -> int:
    return min(int(_draw(state) * n), n - 1)


@compiled
def score_grid(weight: float, area: float, perimeter: float, rule: Floats) -> float:
    """Return what one grid adds to the objective; `rule` is (low, high, target, balance, band, compact, …)."""
    target = rule[2]
    off = (weight - target) / target
    outside = max(0.0, weight - rule[1], rule[0] - weight) / target
    score: float = rule[3] * off * off + rule[4] * (outside + 4.0 * outside * outside + (0.05 if outside > 0 else 0.0))
    score += rule[5] * (1.0 - min(1.0, 12.566370614359172 * area / max(perimeter * perimeter, 1e-9)))
    return score


@compiled
def tally(
    label: Integers, n: int, start: Integers, end: Integers, length: Floats, weight: Floats, area: Floats, rim: Floats
) -> tuple[Floats, Floats, Floats, Integers]:
    """Return each grid's weight, area, perimeter and number of atoms."""
    total, ground, around = np.zeros(n), np.zeros(n), np.zeros(n)
    members = np.zeros(n, np.int64)
    for atom in range(len(label)):
        mine = label[atom]
        total[mine] += weight[atom]
        ground[mine] += area[atom]
        around[mine] += rim[atom]
        members[mine] += 1
        for at in range(start[atom], start[atom + 1]):
            if label[end[at]] != mine:
                around[mine] += length[at]
    return total, ground, around, members


@compiled
def _find(parent: Integers, node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@compiled
def grow_tree(
    nodes: Integers,
    place: Integers,
    start: Integers,
    end: Integers,
    walkable: Flags,
    strength: Floats,
    noise: float,
    state: Integers,
) -> tuple[Integers, Integers]:
    """Grow a random spanning tree that prefers weak streets, so that its cuts fall on strong ones.

    `place` maps an atom to its position in `nodes`, -1 elsewhere. Returns the nodes' order, roots first, and parents.
    """
    m = len(nodes)
    count = 0
    for i in range(m):
        count += start[nodes[i] + 1] - start[nodes[i]]
    one, other, key = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count)
    used = 0
    for i in range(m):
        for at in range(start[nodes[i]], start[nodes[i] + 1]):
            j = place[end[at]]
            if j > i and walkable[at]:
                one[used], other[used] = i, j
                key[used] = strength[at] + noise * _draw(state)
                used += 1
    order = np.argsort(key[:used])
    group = np.arange(m)
    first, after = np.full(m, -1, np.int64), np.empty(2 * m, np.int64)
    to = np.empty(2 * m, np.int64)
    links = 0
    for edge in order:
        a, b = _find(group, one[edge]), _find(group, other[edge])
        if a != b:
            group[a] = b
            for u, v in ((one[edge], other[edge]), (other[edge], one[edge])):
                to[links], after[links] = v, first[u]
                first[u] = links
                links += 1
    parent, line = np.full(m, -2, np.int64), np.empty(m, np.int64)
    filled = 0
    for root in range(m):
        if parent[root] != -2:
            continue
        parent[root], line[filled] = -1, root
        head, filled = filled, filled + 1
        while head < filled:
            node = line[head]
            head += 1
            link = first[node]
            while link >= 0:
                if parent[to[link]] == -2:
                    parent[to[link]] = node
                    line[filled] = to[link]
                    filled += 1
                link = after[link]
    return line, parent


@compiled
def weigh_cuts(
    nodes: Integers,
    place: Integers,
    line: Integers,
    parent: Integers,
    start: Integers,
    end: Integers,
    length: Floats,
    cost: Floats,
    weight: Floats,
    area: Floats,
    rim: Floats,
) -> Floats:
    """Return, for the part of the tree under each node: weight, area, outer border, common border, its cost."""
    m = len(nodes)
    depth = np.zeros(m, np.int64)
    for node in line:
        if parent[node] >= 0:
            depth[node] = depth[parent[node]] + 1
    part = np.zeros((m, 5))
    for i in range(m):
        part[i, 0] += weight[nodes[i]]
        part[i, 1] += area[nodes[i]]
        part[i, 2] += rim[nodes[i]]
        for at in range(start[nodes[i]], start[nodes[i] + 1]):
            j = place[end[at]]
            if j < 0:
                part[i, 2] += length[at]
                continue
            part[i, 3] += length[at]
            part[i, 4] += cost[at]
            if j > i:
                u, v = i, j
                while u != v and u >= 0 and v >= 0:
                    if depth[u] >= depth[v]:
                        u = parent[u]
                    else:
                        v = parent[v]
                if u >= 0 and v >= 0:
                    part[u, 3] -= 2 * length[at]
                    part[u, 4] -= 2 * cost[at]
    for at in range(m - 1, -1, -1):
        node = line[at]
        if parent[node] >= 0:
            for column in range(5):
                part[parent[node], column] += part[node, column]
    return part


@compiled
def mark_part(line: Integers, parent: Integers, top: int) -> Flags:
    """Mark the nodes under `top`."""
    inside = np.zeros(len(line), np.bool_)
    inside[top] = True
    for node in line:
        if parent[node] >= 0 and inside[parent[node]]:
            inside[node] = True
    return inside


@compiled
def bisect(
    label: Integers,
    first: int,
    parts: int,
    nodes: Integers,
    start: Integers,
    end: Integers,
    length: Floats,
    cost: Floats,
    walkable: Flags,
    strength: Floats,
    weight: Floats,
    area: Floats,
    rim: Floats,
    rule: Floats,
    tries: int,
    state: Integers,
) -> None:
    """Cut `nodes` into `parts` grids numbered from `first`, by recursive cuts of random spanning trees."""
    place = np.full(len(label), -1, np.int64)
    label[nodes] = first
    stack = [(first, parts)]
    while len(stack) > 0:
        base, k = stack.pop()
        if k <= 1:
            continue
        mine = nodes[label[nodes] == base]
        place[mine] = np.arange(len(mine))
        total = weight[mine].sum()
        each = max(total / k, 1e-9)
        best, best_k = np.inf, 0
        best_mark = np.zeros(len(mine), np.bool_)
        # High cuts are long and redone by the annealing anyway: one tree less for each doubling.
        for _ in range(max(1, tries - int(np.log2(k)))):
            line, parent = grow_tree(mine, place, start, end, walkable, strength, 0.6, state)
            part = weigh_cuts(mine, place, line, parent, start, end, length, cost, weight, area, rim)
            top, top_k, top_score = -1, 0, np.inf
            outer = 0.0
            for node in range(len(mine)):
                if parent[node] == -1:
                    outer += part[node, 2]
            for node in range(len(mine)):
                if parent[node] < 0:
                    continue
                k1 = int(part[node, 0] / each + 0.5)
                k1 = max(1, min(k - 1, k1))
                off = abs(part[node, 0] - k1 * each) / each / min(k1, k - k1)
                one = part[node, 2] + part[node, 3]
                other = outer - part[node, 2] + part[node, 3]
                shape = 12.566370614359172 * part[node, 1] / max(one * one, 1e-9)
                rest = 12.566370614359172 * (area[mine].sum() - part[node, 1]) / max(other * other, 1e-9)
                even = min(k1, k - k1) / (k / 2.0)
                score = 6.0 * max(0.0, off - 0.12) + 2.0 * off - 0.7 * (shape + rest) + rule[6] * part[node, 4] - even
                if score < top_score:
                    top, top_k, top_score = node, k1, score
            if top >= 0 and top_score < best:
                best, best_k, best_mark = top_score, top_k, mark_part(line, parent, top)
        place[mine] = -1
        if best_k == 0:
            continue
        label[mine[best_mark]] = base + k - best_k
        stack.append((base, k - best_k))
        stack.append((base + k - best_k, best_k))


@compiled
def hangs_together(
    atom: int,
    label: Integers,
    start: Integers,
    end: Integers,
    walkable: Flags,
    seen: Integers,
    stamp: int,
    queue: Integers,
) -> bool:
    """Tell whether an atom's grid stays in one piece without it."""
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
def anneal(
    label: Integers,
    n: int,
    start: Integers,
    end: Integers,
    length: Floats,
    cost: Floats,
    walkable: Flags,
    strength: Floats,
    weight: Floats,
    area: Floats,
    rim: Floats,
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
    atoms = len(label)
    total, ground, around, members = tally(label, n, start, end, length, weight, area, rim)
    seen, queue = np.zeros(atoms, np.int64), np.empty(atoms, np.int64)
    place = np.full(atoms, -1, np.int64)
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
        atom = _pick(state, atoms)
        degree = start[atom + 1] - start[atom]
        if degree == 0:
            continue
        at = start[atom] + _pick(state, degree)
        other = end[at]
        a, b = label[atom], label[other]
        if a == b or region[atom] != region[other] or not walkable[at]:
            continue
        if _draw(state) < recuts:
            change = _recut(
                atom, a, b, label, start, end, length, cost, walkable, strength, weight, area, rim, fixed, home, burden, rule, heat,
                total, ground, around, members, score, place, state,
            )  # fmt: skip
            value += change
            continue
        if fixed[atom] or members[a] <= 1:
            continue
        with_a, with_b, cut = 0.0, 0.0, 0.0
        outside = rim[atom]
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
        if change > 0 and _draw(state) >= np.exp(-change / heat):
            continue
        stamp += 1
        if not hangs_together(atom, label, start, end, walkable, seen, stamp, queue):
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
def _recut(
    atom: int,
    a: int,
    b: int,
    label: Integers,
    start: Integers,
    end: Integers,
    length: Floats,
    cost: Floats,
    walkable: Flags,
    strength: Floats,
    weight: Floats,
    area: Floats,
    rim: Floats,
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
    place: Integers,
    state: Integers,
) -> float:
    """Join two grids and cut them anew along a random spanning tree, if that is accepted; return the change."""
    count = members[a] + members[b]
    nodes = np.empty(count, np.int64)
    nodes[0], place[atom] = atom, 0
    head, tail, held = 0, 1, fixed[atom]
    while head < tail and not held:
        for at in range(start[nodes[head]], start[nodes[head] + 1]):
            near = end[at]
            if walkable[at] and place[near] < 0 and (label[near] == a or label[near] == b):
                place[near], nodes[tail] = tail, near
                tail += 1
                held = held or fixed[near]
        head += 1
    if held or tail < count:
        place[nodes[:tail]] = -1
        return 0.0
    line, parent = grow_tree(nodes, place, start, end, walkable, strength, 1.0, state)
    part = weigh_cuts(nodes, place, line, parent, start, end, length, cost, weight, area, rim)
    now = 0.0
    # What each part holds of today's two grids: moving it away costs.
    kept = np.zeros((len(nodes), 2))
    for i in range(len(nodes)):
        node = nodes[i]
        if home[node] == a or home[node] == b:
            kept[i, 0 if home[node] == a else 1] = burden[node]
            if home[node] != label[node]:
                now += burden[node]
        if label[node] == a:
            for at in range(start[node], start[node + 1]):
                if label[end[at]] == b:
                    now += rule[6] * cost[at]
    for at in range(len(nodes) - 1, 0, -1):
        kept[parent[line[at]]] += kept[line[at]]
    place[nodes] = -1
    root = line[0]
    top, top_score, top_swap = -1, np.inf, False
    for node in range(len(nodes)):
        if parent[node] < 0:
            continue
        one = score_grid(part[node, 0], part[node, 1], part[node, 2] + part[node, 3], rule)
        rest = part[root] - part[node]
        other = score_grid(rest[0], rest[1], rest[2] + part[node, 3], rule)
        as_a = kept[node, 1] + kept[root, 0] - kept[node, 0]
        as_b = kept[node, 0] + kept[root, 1] - kept[node, 1]
        new = one + other + rule[6] * part[node, 4] + min(as_a, as_b)
        if new < top_score:
            top, top_score, top_swap = node, new, as_b < as_a
    change = top_score - score[a] - score[b] - now
    if top < 0 or (change > 0 and _draw(state) >= np.exp(-change / heat)):
        return 0.0
    inside = mark_part(line, parent, top)
    mine, yours = (b, a) if top_swap else (a, b)
    for i in range(len(nodes)):
        label[nodes[i]] = mine if inside[i] else yours
    one_part, two_part = part[top], part[root] - part[top]
    for grid, values in ((mine, one_part), (yours, two_part)):
        total[grid], ground[grid], around[grid] = values[0], values[1], values[2] + part[top, 3]
        score[grid] = score_grid(total[grid], ground[grid], around[grid], rule)
    members[mine] = inside.sum()
    members[yours] = len(nodes) - members[mine]
    return float(change)
