"""A large ground is improved window by window: a zone and those around it are cut anew, as well as it can be done.

In a window the pieces that no zoning divides are put together in every way that keeps the rules, and the best cover is
chosen exactly (`gridgeo.zonings.cover`). Names of departments' zones that are borne outside the window stay there, so
what is gained in a window is gained in all.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgeo.network.measure import Floats, Ints
from gridgeo.zonings.cover import choose_zones, list_zones
from gridgeo.zonings.labels import pair_zones
from gridgeo.zonings.polish import Sides

_MOST_ZONES, _MOST_PIECES, _MOST_SETS = 6, 28, 6000
_SWEEPS = 2
_LEAST = 0.5


def improve_labels(sides: Sides, label: Ints, zonings: Ints, weight: Floats) -> Ints:
    """Cut the ground anew window by window, as long as that moves fewer households or brings more zones into the band.

    Parameters
    ----------
    sides : Sides
        The blocks.
    label : ndarray of int64, shape (blocks,)
        The zone of each.
    zonings : ndarray of int64, shape (zonings, blocks)
        What the departments have; -1 for none.
    weight : ndarray of float, shape (blocks,)
        What decides which zones bear which names.

    Returns
    -------
    ndarray of int64, shape (blocks,)
        The zones.
    """
    for _ in range(_SWEEPS):
        label, changed = _sweep(sides, label, zonings, weight)
        if not changed:
            break
    return label


def _sweep(sides: Sides, label: Ints, zonings: Ints, weight: Floats) -> tuple[Ints, bool]:
    label = np.unique(label, return_inverse=True)[1].astype(np.int64)
    piece = cut_pieces(sides, np.vstack([zonings, label]))
    whole = join_sides(sides, piece)
    first = np.unique(piece, return_index=True)[1]
    zone, theirs = label[first], zonings[:, first]
    names = np.array([pair_zones(label, labels, weight) for labels in zonings])
    changed = False
    for at in range(int(label.max()) + 1):
        window = _open_window(whole, zone, at)
        found = _cut_anew(whole, zone, theirs, names, window)
        if found is not None:
            mine, fresh, given = found
            # Zones of the window keep their numbers; more of them take new ones, fewer leave some behind.
            spare = [*window.tolist(), *range(names.shape[1], names.shape[1] + int(fresh.max()) + 1)]
            names = np.pad(names, ((0, 0), (0, int(fresh.max()) + 1)), constant_values=-1)
            names[:, window] = -1
            zone[mine] = np.array(spare)[fresh]
            names[:, np.array(spare)[: given.shape[1]]] = given
            changed = True
    return zone[piece], changed


def cut_pieces(sides: Sides, zonings: Ints) -> Ints:
    """Cut the ground into pieces that hang together on foot and that no zoning divides.

    Parameters
    ----------
    sides : Sides
        The blocks.
    zonings : ndarray of int64, shape (zonings, blocks)
        The zonings.

    Returns
    -------
    ndarray of int64, shape (blocks,)
        The piece of each block.
    """
    row = np.repeat(np.arange(len(sides.load)), np.diff(sides.start))
    same = sides.walkable & (sides.region[row] == sides.region[sides.end])
    same &= (zonings[:, row] == zonings[:, sides.end]).all(axis=0)
    links = coo_array((np.ones(same.sum()), (row[same], sides.end[same])), shape=(len(sides.load),) * 2)
    piece: Ints = connected_components(links, directed=False)[1].astype(np.int64)
    return piece


def join_sides(sides: Sides, piece: Ints) -> Sides:
    """Lay pieces out as blocks were.

    Parameters
    ----------
    sides : Sides
        The blocks.
    piece : ndarray of int64, shape (blocks,)
        The piece of each; -1 for blocks that are left out.

    Returns
    -------
    Sides
        The pieces.
    """
    row = np.repeat(np.arange(len(sides.load)), np.diff(sides.start))
    one, other = piece[row], piece[sides.end]
    open_ = sides.walkable & (sides.region[row] == sides.region[sides.end]) & (one >= 0) & (other >= 0) & (one != other)
    count = int(piece.max()) + 1
    pairs = np.unique(one[open_] * count + other[open_])
    inside = piece >= 0
    return Sides(
        np.searchsorted(pairs // count, np.arange(count + 1)).astype(np.int64),
        pairs % count,
        np.ones(len(pairs), dtype=bool),
        np.zeros(count, dtype=np.int64),
        np.bincount(piece[inside], weights=sides.load[inside], minlength=count).astype(np.float64),
        sides.low,
        sides.high,
    )


def _open_window(whole: Sides, zone: Ints, at: int) -> Ints:
    """Choose a zone and those beside it that it touches most, as many as can be tried in every way."""
    mine = np.flatnonzero(zone == at)
    near = np.concatenate([zone[whole.beside(one)] for one in mine.tolist()] or [np.zeros(0, dtype=np.int64)])
    zones, touching = np.unique(near[near != at], return_counts=True)
    window, pieces = [at], len(mine)
    for other in zones[np.argsort(-touching, kind="stable")].tolist():
        more = int((zone == other).sum())
        if len(window) < _MOST_ZONES and pieces + more <= _MOST_PIECES:
            window.append(other)
            pieces += more
    return np.array(window, dtype=np.int64)


def _cut_anew(whole: Sides, zone: Ints, theirs: Ints, names: Ints, window: Ints) -> tuple[Ints, Ints, Ints] | None:
    """Cut a window as well as can be: its pieces, their new zones, and the names these bear; None for no gain."""
    mine = np.flatnonzero(np.isin(zone, window))
    if len(window) < 2 or len(mine) <= len(window):  # noqa: PLR2004 - one zone alone stays as it is
        return None
    place = np.full(len(zone), -1, dtype=np.int64)
    place[mine] = np.arange(len(mine))
    part = join_sides(whole, place)
    zones = list_zones(part, most=_MOST_SETS)
    outside = np.ones(names.shape[1], dtype=bool)
    outside[window] = False
    local = theirs[:, mine].copy()
    for labels, borne in zip(local, names[:, outside], strict=True):
        labels[np.isin(labels, borne)] = -1
    kept = (names[:, zone[mine]] == local) & (local >= 0)
    today = float(((local >= 0) & ~kept).sum(axis=0) @ part.load)
    held = np.bincount(zone[mine], weights=part.load)[window]
    broken = bool(((held < part.low) | (held > part.high)).any())
    found = choose_zones(zones, local, part.load, below=np.inf if broken else today - _LEAST) if zones else None
    if found is None:
        return None
    fresh = fill_ground(part, found[0])
    given = np.array([pair_zones(fresh, labels, part.load) for labels in local])
    return mine, fresh, given


def fill_ground(sides: Sides, label: Ints) -> Ints:
    """Let ground that is in no zone join the zone beside it.

    Parameters
    ----------
    sides : Sides
        The blocks, or pieces.
    label : ndarray of int64
        The zone of each; -1 for none.

    Returns
    -------
    ndarray of int64
        The zones; what no zone reaches stays without.
    """
    label = label.copy()
    while True:
        open_ = np.flatnonzero(label < 0)
        near = [label[sides.beside(block)] for block in open_.tolist()]
        joined = {block: zones[zones >= 0] for block, zones in zip(open_.tolist(), near, strict=True)}
        found = {block: int(np.bincount(zones).argmax()) for block, zones in joined.items() if len(zones)}
        if not found:
            return label
        label[list(found)] = list(found.values())
