"""Codes of grids: pluggable schemes, numbered west to east and north to south within each community.

Sources: Beijing's local standard for the division into unit grids (15 digits: county 6, sub-district 3, community 3,
grid 3, numbered from west to east and north to south); CJ/T 349-2010 (20 digits: object of management 6, county 6,
sub-district 3, community 3, grid 2, from left to right and top to bottom). The national 12-digit community code holds
the county, sub-district and community digits of both.
"""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.blocks.faces import Integers
from gridgeo.errors import PartitionError

CodeScheme = Callable[[str, int], str]
"""Makes a grid's code of its community's code and its number within the community, from 1."""

_COMMUNITY_DIGITS = 12
_OBJECT_DIGITS = 6


def community_sequence(community: str, number: int) -> str:
    """Make a code of any community code and three digits.

    Parameters
    ----------
    community : str
        The community's code or identifier.
    number : int
        The grid's number within it.

    Returns
    -------
    str
        For example ``110108014002`` and 7 make ``110108014002007``.

    Raises
    ------
    PartitionError
        If the number has more digits than the code has room for.
    """
    return community + _digits(number, 3)


def beijing_15(community: str, number: int) -> str:
    """Make a 15-digit code as in Beijing: county 6, sub-district 3, community 3, grid 3.

    Parameters
    ----------
    community : str
        The national 12-digit community code.
    number : int
        The grid's number within it.

    Returns
    -------
    str
        15 digits.

    Raises
    ------
    PartitionError
        If the community's code has not 12 digits, or the number more than 3.
    """
    return _national(community) + _digits(number, 3)


def cjt_349(object_code: str) -> CodeScheme:
    """Return the scheme of CJ/T 349-2010: object 6, county 6, sub-district 3, community 3, grid 2.

    Parameters
    ----------
    object_code : str
        The six digits of the object of management after CJ/T 348-2010.

    Returns
    -------
    callable
        The scheme, giving 20 digits.

    Raises
    ------
    PartitionError
        If the object's code has not 6 digits.
    """
    if not (object_code.isascii() and object_code.isdigit() and len(object_code) == _OBJECT_DIGITS):
        raise PartitionError("bad_code_part", value=object_code, digits=_OBJECT_DIGITS)

    def make(community: str, number: int) -> str:
        return object_code + _national(community) + _digits(number, 2)

    return make


def assign_codes(
    grids: gpd.GeoDataFrame,
    scheme: CodeScheme = community_sequence,
    *,
    communities: gpd.GeoDataFrame | None = None,
    keep: bool = True,
) -> gpd.GeoDataFrame:
    """Give grids their codes.

    Parameters
    ----------
    grids : GeoDataFrame
        Layer ``grids`` with ``community_id``.
    scheme : callable
        Makes a code of a community's code and a number.
    communities : GeoDataFrame, optional
        Units with ``unit_id`` and ``code``; where a unit has no code, and without this layer, its id stands for it.
    keep : bool
        Whether grids that have a code keep it; new ones take the next free numbers.

    Returns
    -------
    GeoDataFrame
        The grids with ``code``; those in no single community are left without.

    Raises
    ------
    PartitionError
        If a community's code does not fit the scheme, or it has more grids than the scheme has numbers.
    """
    known: dict[str, str] = {}
    if communities is not None and "code" in communities:
        codes = communities["code"].where(communities["code"].notna(), communities["unit_id"])
        known = dict(zip(communities["unit_id"].astype(str), codes.astype(str), strict=True))
    old = grids["code"] if keep else pd.Series([None] * len(grids), index=grids.index, dtype="str")
    used = set(old.dropna())
    made = old.astype(object).to_numpy(copy=True)
    rank = number_places(grids)
    community = grids["community_id"].astype(object).to_numpy()
    for place in pd.unique(grids["community_id"].dropna()):
        number = 0
        mine = np.flatnonzero((community == place) & old.isna().to_numpy())
        for row in mine[np.argsort(rank[mine])]:
            code = ""
            while not code or code in used:
                number += 1
                code = scheme(known.get(place, place), number)
            used.add(code)
            made[row] = code
    return grids.assign(code=pd.Series(made, index=grids.index, dtype="str"))


def number_places(areas: gpd.GeoDataFrame) -> Integers:
    """Give areas their numbers in rows from north to south, each row from west to east.

    Parameters
    ----------
    areas : GeoDataFrame of polygons
        The areas, in metres.

    Returns
    -------
    array of int
        The rank of each, from 0.
    """
    if len(areas) == 0:
        return np.empty(0, dtype=np.int64)
    centre = areas.geometry.centroid
    height = max(1.0, float(np.sqrt(np.median(areas.area))))
    row = np.round(centre.y.to_numpy() / height)
    rank = np.empty(len(areas), dtype=np.int64)
    rank[np.lexsort((centre.x.to_numpy(), -row))] = np.arange(len(areas))
    return rank


def _national(community: str) -> str:
    if not (community.isascii() and community.isdigit() and len(community) == _COMMUNITY_DIGITS):
        raise PartitionError("bad_code_part", value=community, digits=_COMMUNITY_DIGITS)
    return community


def _digits(number: int, digits: int) -> str:
    if not 0 < number < 10**digits:
        raise PartitionError("bad_code_part", value=number, digits=digits)
    return f"{number:0{digits}}"
