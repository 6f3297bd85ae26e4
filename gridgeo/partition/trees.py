"""The inner loops of the partition, compiled, first half: the score of a grid, and cuts of random spanning trees.

Imported by `gridgeo.partition.search` only when a partition is made, so that nothing else waits for the
compiler. All randomness comes from one small generator held in an array: same seed, same result.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gridgeo.compiler import compiled

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


_MODULUS = 2147483647
_UNSEEN = -2
_ROUGH = 1500


class Graph(NamedTuple):
    """Atoms and their neighbours in compressed rows, as in `atoms.Atoms`, with the cost of each border."""

    start: Integers
    end: Integers
    length: Floats
    cost: Floats
    walkable: Flags
    strength: Floats
    weight: Floats
    area: Floats
    rim: Floats


@compiled
def draw(state: Integers) -> float:
    """Return a number in [0, 1) (Lehmer's generator, multiplier 48271)."""
    state[0] = state[0] * 48271 % _MODULUS
    drawn: float = state[0] / _MODULUS
    return drawn


@compiled
def pick(state: Integers, n: int) -> int:
    """Return a whole number from 0 to n - 1."""
    return min(int(draw(state) * n), n - 1)


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
    label: Integers,
    n: int,
    graph: Graph,
) -> tuple[Floats, Floats, Floats, Integers]:
    """Return each grid's weight, area, perimeter and number of atoms."""
    start, end, length = graph.start, graph.end, graph.length
    total, ground, around = np.zeros(n), np.zeros(n), np.zeros(n)
    members = np.zeros(n, np.int64)
    for atom in range(len(label)):
        mine = label[atom]
        total[mine] += graph.weight[atom]
        ground[mine] += graph.area[atom]
        around[mine] += graph.rim[atom]
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
def grow_tree(  # noqa: C901 - one compiled loop
    nodes: Integers,
    place: Integers,
    graph: Graph,
    noise: float,
    state: Integers,
) -> tuple[Integers, Integers]:
    """Grow a random spanning tree that prefers weak streets, so that its cuts fall on strong ones.

    `place` maps an atom to its position in `nodes`, -1 elsewhere. Returns the nodes' order, roots first, and parents.
    """
    start, end = graph.start, graph.end
    m = len(nodes)
    count = 0
    for i in range(m):
        count += start[nodes[i] + 1] - start[nodes[i]]
    one, other, key = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count)
    used = 0
    for i in range(m):
        for at in range(start[nodes[i]], start[nodes[i] + 1]):
            j = place[end[at]]
            if j > i and graph.walkable[at]:
                one[used], other[used] = i, j
                key[used] = graph.strength[at] + noise * draw(state)
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
    parent, line = np.full(m, _UNSEEN, np.int64), np.empty(m, np.int64)
    filled = 0
    for root in range(m):
        if parent[root] != _UNSEEN:
            continue
        parent[root], line[filled] = -1, root
        head, filled = filled, filled + 1
        while head < filled:
            node = line[head]
            head += 1
            link = first[node]
            while link >= 0:
                if parent[to[link]] == _UNSEEN:
                    parent[to[link]] = node
                    line[filled] = to[link]
                    filled += 1
                link = after[link]
    return line, parent


@compiled
def grow_small_tree(
    nodes: Integers,
    place: Integers,
    graph: Graph,
    noise: float,
    state: Integers,
    line: Integers,
    parent: Integers,
    key: Floats,
) -> None:
    """Do what `grow_tree` does for a few nodes that hang together, without sorting; `line` and `parent` are filled.

    The tree grows from the first node by its lightest edge (Prim). Looking through all nodes for that edge is cheaper
    than any queue while they are few.
    """
    m = len(nodes)
    parent[:m], key[:m] = _UNSEEN, np.inf
    node, parent[0] = 0, -1
    for filled in range(m):
        line[filled], key[node] = node, -1.0
        for at in range(graph.start[nodes[node]], graph.start[nodes[node] + 1]):
            other = place[graph.end[at]]
            if other >= 0 and key[other] >= 0 and graph.walkable[at]:
                drawn = graph.strength[at] + noise * draw(state)
                if drawn < key[other]:
                    key[other], parent[other] = drawn, node
        least = np.inf
        for other in range(m):
            if 0 <= key[other] < least:
                least, node = key[other], other


@compiled
def weigh_cuts(  # noqa: C901, PLR0912 - one compiled loop over shared arrays
    nodes: Integers,
    place: Integers,
    line: Integers,
    parent: Integers,
    graph: Graph,
    depth: Integers,
    part: Floats,
) -> None:
    """Fill `part`, for what hangs under each node: weight, area, outer border, common border, its cost."""
    start, end, length, cost = graph.start, graph.end, graph.length, graph.cost
    m = len(nodes)
    for at in range(m):
        node = line[at]
        depth[node] = depth[parent[node]] + 1 if parent[node] >= 0 else 0
    for i in range(m):
        part[i, 0] = graph.weight[nodes[i]]
        part[i, 1] = graph.area[nodes[i]]
        part[i, 2] = graph.rim[nodes[i]]
        part[i, 3] = part[i, 4] = 0.0
    for i in range(m):
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
def hang_weights(nodes: Integers, line: Integers, parent: Integers, graph: Graph, part: Floats) -> None:
    """Fill the first column of `part`, for what hangs under each node: weight only."""
    for i in range(len(nodes)):
        part[i, 0] = graph.weight[nodes[i]]
    for at in range(len(nodes) - 1, -1, -1):
        if parent[line[at]] >= 0:
            part[parent[line[at]], 0] += part[line[at], 0]


@compiled
def rate_cut(node: int, k: int, each: float, part: Floats, outer: float, ground: float, street: float) -> float:
    """Return how bad the cut above a node is that parts `k` grids of `each` households; less is better."""
    k1 = max(1, min(k - 1, int(part[node, 0] / each + 0.5)))
    less = min(k1, k - k1)
    off = abs(part[node, 0] - k1 * each) / each / less
    bad = 6.0 * max(0.0, off - 0.12) + 2.0 * off - less / (k / 2.0)
    if outer > 0.0:
        one = part[node, 2] + part[node, 3]
        other = outer - part[node, 2] + part[node, 3]
        shape = 12.566370614359172 * part[node, 1] / max(one * one, 1e-9)
        rest = 12.566370614359172 * (ground - part[node, 1]) / max(other * other, 1e-9)
        bad += street * part[node, 4] - 0.7 * (shape + rest)
    return float(bad)


@compiled
def bisect(  # noqa: C901, PLR0912 - one compiled loop
    label: Integers,
    first: int,
    parts: int,
    nodes: Integers,
    graph: Graph,
    rule: Floats,
    tries: int,
    state: Integers,
) -> None:
    """Cut `nodes` into `parts` grids numbered from `first`, by recursive cuts of random spanning trees."""
    place = np.full(len(label), -1, np.int64)
    sorted_ = nodes.copy()
    label[nodes] = first
    # A pile of parts to cut: first grid, number of grids, and their stretch of `sorted_`.
    stack = [(first, parts, 0, len(nodes))]
    while len(stack) > 0:
        base, k, begin, stop = stack.pop()
        if k <= 1:
            continue
        mine = sorted_[begin:stop].copy()
        for i in range(len(mine)):
            place[mine[i]] = i
        each = max(graph.weight[mine].sum() / k, 1e-9)
        depth, part = np.empty(len(mine), np.int64), np.empty((len(mine), 5))
        ground = graph.area[mine].sum()
        best, best_k = np.inf, 0
        best_mark = np.zeros(len(mine), np.bool_)
        # High cuts are long and redone by the annealing anyway: one tree less for each doubling, and the highest are
        # judged by weight alone.
        rough = len(mine) > _ROUGH
        for _ in range(max(1, tries - int(np.log2(k)))):
            line, parent = grow_tree(mine, place, graph, 0.6, state)
            outer = 0.0
            if rough:
                hang_weights(mine, line, parent, graph, part)
            else:
                weigh_cuts(mine, place, line, parent, graph, depth, part)
                for node in range(len(mine)):
                    if parent[node] == -1:
                        outer += part[node, 2]
            top, top_score = -1, np.inf
            for node in range(len(mine)):
                if parent[node] >= 0:
                    score = rate_cut(node, k, each, part, outer, ground, rule[6])
                    if score < top_score:
                        top, top_score = node, score
            if top >= 0 and top_score < best:
                best, best_k = top_score, max(1, min(k - 1, int(part[top, 0] / each + 0.5)))
                best_mark = mark_part(line, parent, top)
        for i in range(len(mine)):
            place[mine[i]] = -1
        if best_k == 0:
            continue
        left, right = begin, stop
        for i in range(len(mine)):
            if best_mark[i]:
                right -= 1
                sorted_[right] = mine[i]
                label[mine[i]] = base + k - best_k
            else:
                sorted_[left] = mine[i]
                left += 1
        stack.append((base, k - best_k, begin, right))
        stack.append((base + k - best_k, best_k, right, stop))
