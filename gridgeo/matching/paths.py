"""The shortest way to serve as much as can be served, found asker by asker along shortest paths of exchanges.

Each asker takes room at the giver that is cheapest for all together: a free one, or a full one whose other askers move
on along a chain of exchanges that ends where there is room. Prices on the givers keep every exchange from costing less
than nothing, so that each chain is a shortest path and the whole stays the cheapest of its size (successive shortest
paths: Ahuja, Magnanti and Orlin, *Network Flows*, 1993, section 9.7). Chains lead from giver to giver; the cheapest
exchange between two of them is kept and only sought again after one of them took part in a chain. All numbers are
whole, so the answer is exact.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from gridgeo.compiler import compiled
from gridgeo.matching.pairs import Pairs
from gridgeo.network.measure import Flags, Ints

_FAR = np.int64(1 << 62)


def solve_transport(pairs: Pairs, supply: Ints, capacity: Ints) -> Ints:
    """Serve the most that can be served, with the least cost in all.

    Parameters
    ----------
    pairs : Pairs
        The pairs; costs are whole numbers from 0.
    supply : ndarray of int64, shape (askers,)
        What each asks for.
    capacity : ndarray of int64, shape (givers,)
        What each can give.

    Returns
    -------
    ndarray of int64, shape (pairs,)
        What each pair serves.
    """
    active = np.unique(pairs.asker[supply[pairs.asker] > 0])
    # One giver more takes what stays unserved, at a cost that no chain of exchanges reaches.
    beyond = (int(pairs.cost.max(initial=0)) + 1) * (pairs.givers + 2)
    asker = np.concatenate([pairs.asker, active])
    giver = np.concatenate([pairs.giver, np.full(len(active), pairs.givers)])
    cost = np.concatenate([pairs.cost, np.full(len(active), beyond)])
    order = np.lexsort((giver, asker))
    ways = _lay_out(asker[order], giver[order], cost[order], pairs.askers, pairs.givers + 1)
    room = np.append(capacity, supply.sum()).astype(np.int64)
    flow = _serve(active, supply.astype(np.int64), room, ways)
    served = np.zeros(len(asker), dtype=np.int64)
    served[order] = flow
    return served[: len(pairs.cost)]


class _Ways(NamedTuple):
    """The pairs by asker (``start``), by giver (``by_giver``), and the givers ``beside`` each: with common askers."""

    start: Ints
    asker: Ints
    giver: Ints
    cost: Ints
    giver_start: Ints
    by_giver: Ints
    beside_start: Ints
    beside: Ints


class _Chains(NamedTuple):
    """The cheapest exchange for each place in ``beside``, whether a giver's are out of date, and the search's notes."""

    change: Ints
    leave: Ints
    enter: Ints
    stale: Flags
    place: Ints
    far: Ints
    came: Ints


def _lay_out(asker: Ints, giver: Ints, cost: Ints, n: int, m: int) -> _Ways:
    by_giver = np.lexsort((asker, giver))
    held = csr_array((np.ones(len(asker), dtype=np.int32), (asker, giver)), shape=(n, m))
    beside = csr_array(held.T @ held)
    return _Ways(
        np.searchsorted(asker, np.arange(n + 1)),
        asker,
        giver,
        cost,
        np.searchsorted(giver[by_giver], np.arange(m + 1)),
        by_giver,
        beside.indptr.astype(np.int64),
        beside.indices.astype(np.int64),
    )


@compiled
def _seek(one: int, ways: _Ways, flow: Ints, chains: _Chains) -> None:
    """Find the cheapest exchange from one giver to each giver beside it."""
    for at in range(ways.beside_start[one], ways.beside_start[one + 1]):
        chains.place[ways.beside[at]] = at
        chains.change[at] = _FAR
    for pair in ways.by_giver[ways.giver_start[one] : ways.giver_start[one + 1]]:
        if flow[pair] > 0:
            who = ways.asker[pair]
            for other in range(ways.start[who], ways.start[who + 1]):
                if ways.giver[other] != one:
                    at, more = chains.place[ways.giver[other]], ways.cost[other] - ways.cost[pair]
                    if more < chains.change[at]:
                        chains.change[at], chains.leave[at], chains.enter[at] = more, pair, other
    chains.stale[one] = False


@compiled
def _find_room(who: int, room: Ints, ways: _Ways, flow: Ints, price: Ints, chains: _Chains) -> int:
    """Find the cheapest chain from an asker to a giver with room, lower the prices on the way, and return the giver."""
    far, came = chains.far, chains.came
    far[:] = _FAR
    settled = np.zeros(len(room), dtype=np.bool_)
    heap = [(far[0], np.int64(0))][:0]
    for pair in range(ways.start[who], ways.start[who + 1]):
        one = ways.giver[pair]
        far[one], came[one] = ways.cost[pair] - price[one], -1 - pair
        heapq.heappush(heap, (far[one], one))
    end = -1
    while end < 0:
        way, one = heapq.heappop(heap)  # there is always a next one: the last giver has room for all
        if room[one] > 0:
            end = int(one)
        elif not settled[one]:
            settled[one] = True
            if chains.stale[one]:
                _seek(int(one), ways, flow, chains)
            for at in range(ways.beside_start[one], ways.beside_start[one + 1]):
                other = ways.beside[at]
                longer = way + min(chains.change[at], _FAR // 2) - price[other] + price[one]
                if longer < min(far[other], _FAR // 4):
                    far[other], came[other] = longer, at
                    heapq.heappush(heap, (longer, other))
    price[settled] += far[settled] - far[end]
    return end


@compiled
def _serve(active: Ints, supply: Ints, room: Ints, ways: _Ways) -> Ints:
    """Serve asker after asker, and return what each pair serves; the last giver has room for all."""
    flow, price = np.zeros(len(ways.cost), dtype=np.int64), np.zeros(len(room), dtype=np.int64)
    chains = _Chains(
        np.empty_like(ways.beside),
        np.empty_like(ways.beside),
        np.empty_like(ways.beside),
        np.ones(len(room), dtype=np.bool_),
        np.empty_like(room),
        np.empty_like(room),
        np.empty_like(room),
    )
    leave, enter, came = chains.leave, chains.enter, chains.came
    for who in active:
        left = supply[who]
        while left > 0:
            end = _find_room(who, room, ways, flow, price, chains)
            amount, one = min(left, room[end]), end
            while came[one] >= 0:
                amount = min(amount, flow[leave[came[one]]])
                one = ways.giver[leave[came[one]]]
            room[end] -= amount
            left -= amount
            one = end
            while came[one] >= 0:
                chains.stale[one] = True
                flow[enter[came[one]]] += amount
                flow[leave[came[one]]] -= amount
                one = ways.giver[leave[came[one]]]
            chains.stale[one] = True
            flow[-1 - came[one]] += amount
    return flow
