"""What stays the same while grids are redrawn: how the blocks lie beside each other, and who lives where.

It is worked out once for a plan and handed on from edit to edit, which is what makes an edit take milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgeo.blocks.edges import read_borders
from gridgeo.partition.atoms import pair_table
from gridgeo.partition.bounds_text import outline_blocks
from gridgeo.plan import Plan
from gridgeo.redraw.memory import notes_on
from gridgeo.texts import LANGUAGES

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Outline:
    """The border segments of every block and what they are called.

    Parameters
    ----------
    start : ndarray of int, shape (blocks + 1,)
        Those of block ``i`` are ``start[i]`` to ``start[i + 1]``.
    other : ndarray of int, one a segment
        The block beyond; -1 for none.
    side : list of str
        The side of the block they lie on.
    length : list of float
        Metres.
    names : dict
        Language → what each is called.
    """

    start: Ints
    other: Ints
    side: list[str]
    length: list[float]
    names: dict[str, list[str]]


@dataclass(frozen=True, eq=False)
class Ground:
    """The blocks of a plan, without their assignment.

    Parameters
    ----------
    ids : ndarray of object, shape (blocks,)
        Their ids.
    place : dict
        Id → place in the layer.
    shapes : ndarray of Polygon, shape (blocks,)
        Their ground.
    area : ndarray of float, shape (blocks,)
        Its square metres.
    rim : ndarray of float, shape (blocks,)
        Metres on the district's border.
    start, end : ndarray of int
        Neighbours in compressed rows: those of block ``i`` are ``end[start[i]:start[i + 1]]``.
    length, strength : ndarray of float, one a neighbour
        The common border in metres, and how well it serves as a border between grids.
    walkable : ndarray of bool, one a neighbour
        Whether one can walk across.
    home : ndarray of int, shape (households,)
        The block of each household point; -1 outside all.
    household_start, household_row : ndarray of int
        The households of each block in compressed rows.
    layer : GeoDataFrame
        The blocks' ids, borders and ground.
    notes : dict
        What others worked out from it and want to find again.
    """

    ids: npt.NDArray[np.object_]
    place: dict[str, int]
    shapes: npt.NDArray[np.object_]
    area: Floats
    rim: Floats
    start: Ints
    end: Ints
    length: Floats
    strength: Floats
    walkable: Flags
    home: Ints
    household_start: Ints
    household_row: Ints
    layer: gpd.GeoDataFrame
    notes: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def beside(self) -> Ints:
        """The block that each entry of `end` is a neighbour of."""
        return np.repeat(np.arange(len(self.ids)), np.diff(self.start))

    @cached_property
    def outline(self) -> Outline | None:
        """The named border segments of every block; None where the blocks carry no borders."""
        table = outline_blocks(self.layer)
        if table is None:
            return None
        table = table.sort_values("block", kind="stable")
        block = table["block"].to_numpy(np.int64)
        return Outline(
            start=np.searchsorted(block, np.arange(len(self.ids) + 1)).astype(np.int64),
            other=table["other"].to_numpy(np.int64),
            side=[str(side) for side in table["side"]],
            length=table["length"].to_numpy(np.float64).tolist(),
            names={lang: table[f"name_{lang}"].tolist() for lang in LANGUAGES},
        )

    def households_of(self, block: int) -> Ints:
        """Return the rows of a block's households.

        Parameters
        ----------
        block : int
            The block's place.

        Returns
        -------
        ndarray of int
            Rows of the layer ``households``, in order.
        """
        return self.household_row[self.household_start[block] : self.household_start[block + 1]]

    def links_among(self, blocks: Ints) -> tuple[Ints, Ints, Ints]:
        """List the common borders of some blocks.

        Parameters
        ----------
        blocks : ndarray of int
            The blocks' places.

        Returns
        -------
        a, b : ndarray of int
            Two neighbours as places in `blocks`; each pair once, a < b.
        link : ndarray of int
            Where their border stands in `length`, `strength` and `walkable`.
        """
        inside = np.full(len(self.ids), -1, dtype=np.int64)
        inside[blocks] = np.arange(len(blocks))
        spans = [np.arange(self.start[block], self.start[block + 1]) for block in blocks]
        link = np.concatenate(spans) if spans else np.zeros(0, dtype=np.int64)
        a = np.repeat(np.arange(len(blocks)), [len(span) for span in spans])
        b = inside[self.end[link]]
        once = b > a
        return a[once], b[once], link[once]

    def pieces_of(self, blocks: Ints, *, on_foot: bool = False) -> Ints:
        """Tell which of some blocks hang together.

        Parameters
        ----------
        blocks : ndarray of int
            The blocks' places.
        on_foot : bool, optional
            Count only borders that one can walk across.

        Returns
        -------
        ndarray of int, shape (len(blocks),)
            The number of each block's piece, from 0.
        """
        a, b, link = self.links_among(blocks)
        if on_foot:
            walkable = self.walkable[link]
            a, b = a[walkable], b[walkable]
        links = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(blocks), len(blocks)))
        return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


_GROUND = "ground"


def find_ground(plan: Plan) -> Ground:
    """Return the ground of a plan's blocks, worked out at most once.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    Ground
        How its blocks lie.
    """
    notes = notes_on(plan)
    if _GROUND not in notes:
        notes[_GROUND] = _survey(plan)
    ground: Ground = notes[_GROUND]
    return ground


def carry_ground(before: Plan, after: Plan) -> None:
    """Hand the ground on to a plan of the same blocks and household points.

    Parameters
    ----------
    before : Plan
        A plan whose ground may be known.
    after : Plan
        The plan after an edit; no edit moves a block or a household.
    """
    known = notes_on(before).get(_GROUND)
    if known is not None:
        notes_on(after)[_GROUND] = known


def _survey(plan: Plan) -> Ground:
    blocks = plan.blocks
    ids = blocks["block_id"].to_numpy(dtype=object)
    place = {str(block): row for row, block in enumerate(ids)}
    pairs, rim = pair_table(blocks, read_borders(blocks))
    a, b = pairs["a"].to_numpy(np.int64), pairs["b"].to_numpy(np.int64)
    row, column = np.concatenate([a, b]), np.concatenate([b, a])
    order = np.lexsort((column, row))
    both = np.concatenate([np.arange(len(a))] * 2)[order]
    home = plan.households["block_id"].map(pd.Series(place)).fillna(-1).to_numpy(np.int64)
    by_block = np.argsort(home, kind="stable")
    by_block = by_block[np.searchsorted(home[by_block], 0) :]
    shapes = blocks.geometry.to_numpy()
    return Ground(
        ids=ids,
        place=place,
        shapes=shapes,
        area=shapely.area(shapes),
        rim=rim,
        start=np.searchsorted(row[order], np.arange(len(ids) + 1)).astype(np.int64),
        end=column[order],
        length=pairs["length"].to_numpy(np.float64)[both],
        strength=pairs["strength"].to_numpy(np.float64)[both],
        walkable=pairs["walkable"].to_numpy(dtype=bool)[both],
        home=home,
        household_start=np.searchsorted(home[by_block], np.arange(len(ids) + 1)).astype(np.int64),
        household_row=by_block.astype(np.int64),
        layer=blocks[[name for name in ("block_id", "borders", blocks.geometry.name) if name in blocks]],
    )
