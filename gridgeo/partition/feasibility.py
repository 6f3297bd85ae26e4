"""Where no partition can keep the band, by how much, and what would help."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np

from gridgeo.errors import Fault
from gridgeo.partition.atoms import Atoms
from gridgeo.texts import text


def find_infeasible(atoms: Atoms, blocks: gpd.GeoDataFrame, band: tuple[float, float]) -> list[Fault]:
    """Name the regions and blocks that no partition can bring into the band.

    Parameters
    ----------
    atoms : Atoms
        The blocks as atoms, in regions.
    blocks : GeoDataFrame
        Layer ``blocks``, one an atom, with ``community_id``.
    band : (float, float)
        The band.

    Returns
    -------
    list of Fault
        For each: which community, which number, and in the remedy what would make it possible.
    """
    low, high = band
    community = blocks["community_id"].to_numpy(object)
    faults: list[Fault] = []
    for row in np.flatnonzero(atoms.weight > high).tolist():
        where = {"community": _place(community[row]), "block": blocks["block_id"].iloc[row], "high": f"{high:g}"}
        faults.append(Fault(key="infeasible_block", layer="blocks", value=_plain(atoms.weight[row]), values=where))
    for region in range(int(atoms.region.max()) + 1):
        mine = np.flatnonzero(atoms.region == region)
        light = mine[atoms.weight[mine] <= high]
        held = float(atoms.weight[light].sum())
        if len(light) < len(mine) and held < low:
            continue  # what is left beside blocks above the band joins them
        place = _place(community[mine[0]])
        if len(light) < len(mine):
            place = text("partition.besides", place=place, high=f"{high:g}")
        faults += _region(held, low, high, place)
        alone = (atoms.region != region) & (community == community[mine[0]])
        if not is_feasible(held, low, high) and alone.any():
            values = {"community": _place(community[mine[0]]), "block": blocks["block_id"].iloc[mine[0]]}
            faults.append(Fault(key="cut_off_part", layer="blocks", value=_plain(held), values=values))
    return faults


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


def _region(held: float, low: float, high: float, place: str) -> Iterator[Fault]:
    if is_feasible(held, low, high):
        return
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
