"""Dice that lay points where people live and fill tables, the same for the same seed."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.network.measure import Floats, Ints
from gridgeo.plan import Plan

SOURCE = "示例数据，虚构 / made up for the example"
"""What the column ``source`` of every made-up row says."""

_SPREAD_M = 25.0


class Dice:
    """Draws for one example.

    Parameters
    ----------
    plan : Plan
        The plan the tables are for.
    seed : int
        Same seed, same draws.
    programme : str
        Each programme has its own draws.
    """

    def __init__(self, plan: Plan, *, seed: int, programme: str) -> None:
        self.plan = plan
        self.district = plan.district
        self.random = np.random.default_rng([seed, zlib.crc32(programme.encode())])

    def homes(self, count: int, rows: Ints | None = None) -> Ints:
        """Draw household points by how many households stand there.

        Parameters
        ----------
        count : int
            How many.
        rows : ndarray of int64, optional
            From these; all when left out.

        Returns
        -------
        ndarray of int64
            Rows of the layer ``households``.
        """
        households = self.plan.households
        some = np.arange(len(households)) if rows is None else rows
        weight = households["households"].to_numpy(dtype=np.float64)[some]
        weight = weight / weight.sum() if weight.sum() else np.full(len(some), 1 / len(some))
        drawn: Ints = self.random.choice(some, size=count, p=weight)
        return drawn

    def beside(self, rows: Ints) -> list[shapely.Point]:
        """Lay a point a few steps from each household point, inside the district.

        Parameters
        ----------
        rows : ndarray of int64
            Rows of the layer ``households``.

        Returns
        -------
        list of Point
            The points.
        """
        xy = shapely.get_coordinates(self.plan.households.geometry.to_numpy()[rows])
        turn, away = self.random.uniform(0, 2 * np.pi, len(xy)), _SPREAD_M * np.sqrt(self.random.uniform(0, 1, len(xy)))
        moved = xy + np.column_stack([np.cos(turn), np.sin(turn)]) * away[:, None]
        inside = np.atleast_1d(shapely.contains_xy(self.district, moved[:, 0], moved[:, 1]))
        return [shapely.Point(at) for at in np.where(inside[:, None], moved, xy)]

    def pick(self, choices: Sequence[str], count: int) -> list[str]:
        """Draw from a list.

        Parameters
        ----------
        choices : sequence of str
            The list.
        count : int
            How many.

        Returns
        -------
        list of str
            What was drawn.
        """
        return [str(each) for each in self.random.choice(np.array(choices, dtype=object), size=count)]

    def units(self, level: str) -> list[str]:
        """Return the units of a level in order; for the last level the grids.

        Parameters
        ----------
        level : str
            The level.

        Returns
        -------
        list of str
            Their ids.
        """
        if level == self.plan.info.levels[-1].level:
            return sorted(self.plan.grids["grid_id"])
        return sorted(self.plan.units.loc[self.plan.units["level"] == level, "unit_id"])

    def living_in(self, level: str, unit: str) -> Ints:
        """Return the household points of a unit.

        Parameters
        ----------
        level, unit : str
            The unit.

        Returns
        -------
        ndarray of int64
            Rows of the layer ``households``.
        """
        return np.flatnonzero((self.plan.households[f"{level}_id"] == unit).to_numpy())

    def share_out(self, level: str, count: int) -> list[str]:
        """Give each unit one at least, and the others by how many households live there.

        Parameters
        ----------
        level : str
            The level.
        count : int
            How many in all.

        Returns
        -------
        list of str
            The unit of each, in the units' order.
        """
        units = self.units(level)
        held = self.plan.households.groupby(f"{level}_id")["households"].sum().reindex(units, fill_value=0)
        more = max(count - len(units), 0)
        weight = held.to_numpy(dtype=np.float64)
        drawn = self.random.multinomial(more, weight / weight.sum()) if weight.sum() else np.zeros(len(units), int)
        return [unit for unit, extra in zip(units, drawn, strict=True) for _ in range(1 + int(extra))]

    def places_in(self, level: str, units: Sequence[str]) -> list[shapely.Point]:
        """Lay a point in each of the units: beside a household, or within the unit where nobody lives.

        Parameters
        ----------
        level : str
            Their level.
        units : sequence of str
            The units; one may come several times.

        Returns
        -------
        list of Point
            The points.
        """
        shapes = self._shapes(level)
        living = {unit: self.living_in(level, unit) for unit in set(units)}
        points = []
        for unit in units:
            rows = living[unit]
            if len(rows) == 0:
                points.append(shapely.point_on_surface(shapes[unit]))
                continue
            home = self.homes(1, rows)
            near = self.beside(home)[0]
            stays = bool(shapely.contains(shapes[unit], near))
            points.append(near if stays else self._place(int(home[0])))
        return points

    def middle_of(self, level: str, unit: str) -> shapely.Point:
        """Return the household point of a unit nearest to the middle of its households.

        Parameters
        ----------
        level, unit : str
            The unit.

        Returns
        -------
        Point
            The point.
        """
        rows = self.living_in(level, unit)
        if len(rows) == 0:
            return shapely.point_on_surface(self._shapes(level)[unit])
        xy = shapely.get_coordinates(self.plan.households.geometry.to_numpy()[rows])
        weight = self.plan.households["households"].to_numpy(dtype=np.float64)[rows]
        middle = np.average(xy, axis=0, weights=np.maximum(weight, 1e-9))
        return shapely.Point(xy[np.argmin(((xy - middle) ** 2).sum(axis=1))])

    def frame(self, points: Sequence[shapely.Point | None], **columns: object) -> gpd.GeoDataFrame:
        """Make a table of points that says it is made up.

        Parameters
        ----------
        points : sequence of Point or None
            Where each row is.
        **columns : object
            Its columns.

        Returns
        -------
        GeoDataFrame
            The table.
        """
        table = pd.DataFrame(columns, index=range(len(points))).assign(estimated=True, source=SOURCE)
        return gpd.GeoDataFrame(table, geometry=list(points), crs=self.plan.crs)

    def table(self, **columns: object) -> pd.DataFrame:
        """Make a plain table that says it is made up.

        Parameters
        ----------
        **columns : object
            Its columns.

        Returns
        -------
        DataFrame
            The table.
        """
        return pd.DataFrame(columns).assign(estimated=True, source=SOURCE)

    def _shapes(self, level: str) -> dict[str, shapely.Geometry]:
        if level == self.plan.info.levels[-1].level:
            return dict(zip(self.plan.grids["grid_id"], self.plan.grids.geometry, strict=True))
        return dict(zip(self.plan.units["unit_id"], self.plan.units.geometry, strict=True))

    def _place(self, row: int) -> shapely.Point:
        point: shapely.Point = self.plan.households.geometry.iloc[row]
        return point


def join(frames: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Put tables of points behind each other.

    Parameters
    ----------
    frames : sequence of GeoDataFrame
        The tables.

    Returns
    -------
    GeoDataFrame
        One table.
    """
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=frames[0].crs)


def number(prefix: str, count: int) -> list[str]:
    """Return ids: the prefix and a number of four digits.

    Parameters
    ----------
    prefix : str
        What comes first.
    count : int
        How many.

    Returns
    -------
    list of str
        The ids.
    """
    return [f"{prefix}{at + 1:04}" for at in range(count)]


def counts_near(values: Floats) -> Ints:
    """Round counts so that their sum is that of the values, rounded.

    Parameters
    ----------
    values : ndarray of float
        The values.

    Returns
    -------
    ndarray of int64
        The counts.
    """
    floor = np.floor(values).astype(np.int64)
    short = round(float(values.sum())) - int(floor.sum())
    floor[np.argsort(floor - values, kind="stable")[:short]] += 1
    return floor
