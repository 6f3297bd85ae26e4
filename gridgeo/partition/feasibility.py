"""Where no partition can keep the band, by how much, and what would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import geopandas as gpd
import numpy as np

from gridgeo.blocks.faces import Floats, Integers
from gridgeo.errors import Fault
from gridgeo.partition.atoms import Atoms, pick_atoms
from gridgeo.partition.exact import fits_somewhere, solve_region
from gridgeo.texts import text


def find_infeasible(
    atoms: Atoms, blocks: gpd.GeoDataFrame, band: tuple[float, float], label: Integers | None = None
) -> list[Fault]:
    """Name the regions and blocks that no partition can bring into the band.

    Parameters
    ----------
    atoms : Atoms
        The blocks as atoms, in regions.
    blocks : GeoDataFrame
        Layer ``blocks``, one an atom, with ``community_id``.
    band : (float, float)
        The band.
    label : array of int, one an atom, optional
        An answer: of the grids it leaves outside the band, each block is asked whether it fits any grid.

    Returns
    -------
    list of Fault
        For each: which community, which number, and in the remedy what would make it possible.
    """
    low, high = band
    if label is not None:
        # A warm start may have given a grid up: then its number is no one's.
        label = np.unique(label, return_inverse=True)[1].astype(np.int64)
    community = blocks["community_id"].to_numpy(object)
    faults: list[Fault] = []
    for row in np.flatnonzero(atoms.weight > high).tolist():
        where = {"community": _place(community[row]), "block": blocks["block_id"].iloc[row], "high": f"{high:g}"}
        faults.append(Fault(key="infeasible_block", layer="blocks", value=_plain(atoms.weight[row]), values=where))
    hemmed = _hemmed(atoms, label, band)
    for row in hemmed:
        where = {"community": _place(community[row]), "block": blocks["block_id"].iloc[row]}
        where |= {"low": f"{low:g}", "high": f"{high:g}"}
        faults.append(Fault(key="infeasible_hemmed", layer="blocks", value=_plain(atoms.weight[row]), values=where))
    for row, least in _cornered(atoms, label, band, hemmed).values():
        where = {"community": _place(community[row]), "low": f"{low:g}", "high": f"{high:g}"}
        faults.append(Fault(key="infeasible_together", layer="units", value=least, values=where))
    light = np.where(atoms.weight > high, 0.0, atoms.weight)
    regions = int(atoms.region.max()) + 1
    held_in = np.bincount(atoms.region, weights=light, minlength=regions)
    heavy_in = np.bincount(atoms.region, weights=atoms.weight > high, minlength=regions) > 0
    _, first = np.unique(atoms.region, return_index=True)
    for region, (held, heavy) in enumerate(zip(held_in.tolist(), heavy_in.tolist(), strict=True)):
        if is_feasible(held, low, high) or (heavy and held < low):
            continue  # what is left beside blocks above the band joins them
        mine = community[first[region]]
        place = _place(mine)
        if heavy:
            place = text("partition.besides", place=place, high=f"{high:g}")
        faults += _region(held, low, high, place)
        if ((atoms.region != region) & (community == mine)).any():
            values = {"community": _place(mine), "block": blocks["block_id"].iloc[first[region]]}
            faults.append(Fault(key="cut_off_part", layer="blocks", value=_plain(held), values=values))
    return faults


def explain_grids(
    atoms: Atoms, blocks: gpd.GeoDataFrame, label: Integers, band: tuple[float, float]
) -> dict[int, tuple[str, dict[str, object]]]:
    """Tell which grids are outside the band because nothing else is possible there.

    Parameters
    ----------
    atoms : Atoms
        The blocks as atoms, in regions.
    blocks : GeoDataFrame
        Layer ``blocks``, one an atom, with ``community_id``.
    label : array of int, one an atom
        The grid of each.
    band : (float, float)
        The band.

    Returns
    -------
    dict
        Grid → cause and placeholders of the text that says so. The cause is ``community`` (its households cannot be
        shared out), ``block`` (one block holds too many), ``hemmed`` (one block fits no grid) or ``together`` (its
        blocks cannot all be in the band). A grid outside the band that is not named could be better.
    """
    low, high = band
    told: dict[int, tuple[str, dict[str, object]]] = {}
    limits: dict[str, object] = {"low": f"{low:g}", "high": f"{high:g}"}
    held = np.bincount(label, weights=atoms.weight)
    light = np.where(atoms.weight > high, 0.0, atoms.weight)
    in_region = np.bincount(atoms.region, weights=light)
    out = (held < low) | (held > high)
    for row in np.flatnonzero(out[label]).tolist():
        total = float(in_region[atoms.region[row]])
        if not is_feasible(total, low, high):
            place = {"community": _place(blocks["community_id"].iloc[row]), "total": _plain(total)}
            told.setdefault(int(label[row]), ("community", {**limits, **place}))
    hemmed = _hemmed(atoms, label, band)
    for row in [*hemmed, *np.flatnonzero(atoms.weight > high).tolist()]:
        block = {"block": blocks["block_id"].iloc[row], "held": _plain(atoms.weight[row])}
        told[int(label[row])] = ("block" if atoms.weight[row] > high else "hemmed", {**limits, **block})
    for grid, (row, least) in _cornered(atoms, label, band, hemmed).items():
        values = {"community": _place(blocks["community_id"].iloc[row]), "least": least}
        told.setdefault(grid, ("together", {**limits, **values}))
    return told


def is_feasible(held: float, low: float, high: float) -> bool:
    """Tell whether some number of grids can share this many households within the band.

    Parameters
    ----------
    held : float
        The households.
    low, high : float
        The band.

    Returns
    -------
    bool
        True when a whole number k exists with ``k * low <= held <= k * high``.
    """
    return bool(np.ceil(held / high) <= np.floor(held / low)) and held >= low


def _hemmed(atoms: Atoms, label: Integers | None, band: tuple[float, float]) -> list[int]:
    """List the blocks of grids outside the band that fit no grid, though neither they nor their region are to blame."""
    if label is None:
        return []
    low, high = band
    held: Floats = np.bincount(label, weights=atoms.weight).astype(float)
    out = (held < low) | (held > high)
    heavy = np.bincount(label, weights=atoms.weight > high) > 0
    asked = np.flatnonzero((out & ~heavy)[label] & (atoms.weight > 0))
    total = np.bincount(atoms.region, weights=np.where(atoms.weight > high, 0.0, atoms.weight))
    possible = {int(region): is_feasible(total[region], low, high) for region in np.unique(atoms.region[asked])}
    rows = [row for row in asked.tolist() if possible[int(atoms.region[row])]]
    return [row for row in rows if not fits_somewhere(atoms, row, band)]


def _cornered(
    atoms: Atoms, label: Integers | None, band: tuple[float, float], hemmed: list[int]
) -> dict[int, tuple[int, int]]:
    """Find the only grid outside the band of a region where no partition has none; with a block and the least of them.

    Every set of blocks that could be a grid is tried (`gridgeo.partition.exact.solve_region`), where they are few.
    """
    if label is None:
        return {}
    low, high = band
    capped = replace(atoms, weight=np.minimum(atoms.weight, high))
    light = np.where(atoms.weight > high, 0.0, atoms.weight)
    held: Floats = np.bincount(label, weights=capped.weight).astype(float)
    out = np.flatnonzero((held < low) | (held > high))
    _, first = np.unique(label, return_index=True)
    region = atoms.region[first[out]]
    found: dict[int, tuple[int, int]] = {}
    for grid, where in zip(out.tolist(), region.tolist(), strict=True):
        if (
            (region == where).sum() > 1
            or grid in label[hemmed]
            or not is_feasible(float(light[atoms.region == where].sum()), low, high)
        ):
            continue
        solved = solve_region(pick_atoms(capped, np.flatnonzero(atoms.region == where)), band)
        if solved is not None and solved[1] > 0:
            found[grid] = (int(first[grid]), solved[1])
    return found


def _region(held: float, low: float, high: float, place: str) -> Iterator[Fault]:
    values: dict[str, object] = {"community": place, "low": f"{low:g}", "high": f"{high:g}"}
    if held < low:
        yield Fault(key="infeasible_few", layer="units", value=_plain(held), values=values)
        return
    less = int(held // high) or 1
    more = less + 1
    values |= {"less": less, "more": more, "need_high": _plain(np.ceil(held / less))}
    values |= {"need_low": _plain(np.floor(held / more))}
    yield Fault(key="infeasible_between", layer="units", value=_plain(held), values=values)


def _place(community: object) -> str:
    return community if isinstance(community, str) and community else text("partition.whole_area")


def _plain(number: float) -> int:
    return round(float(number))
