"""Home visits as coverage: who was called on in a month, and who is left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.errors import InputError, MissingDataError
from gridgeo.plan import Plan
from gridgeo.positions import place_layer

VISITED = ("households", "enterprises")
"""What visits are counted for."""


@dataclass(frozen=True, eq=False)
class Visits:
    """Who was called on. Made by `assess_visits`.

    Parameters
    ----------
    of : {'households', 'enterprises'}
        What was counted.
    points : GeoDataFrame of Point
        The plan's households or enterprises with their units, ``total`` (how many stand at the point), ``visited`` and
        ``left``, which add up to it.
    unplaced : DataFrame
        Visits of the month that name nobody the plan knows, as they stand in the layer.
    basis : dict
        What the figures rest on: plain values by name.
    """

    of: str
    points: gpd.GeoDataFrame
    unplaced: pd.DataFrame
    basis: dict[str, Any]

    @property
    def left(self) -> gpd.GeoDataFrame:
        """The points where somebody is still to be called on."""
        return self.points[self.points["left"] > 0]

    def summary(self, by: str | None = None) -> pd.DataFrame:
        """Count for the whole or for each unit of a level.

        Parameters
        ----------
        by : str, optional
            A level (``"grid"``, ``"community"``, …). The whole when left out.

        Returns
        -------
        DataFrame
            One row per unit, indexed by ``<by>_id`` (one row ``"all"`` when `by` is left out): the number (a column
            named as `of`), ``visited``, ``left``, ``rate`` over all, NaN where there are none. Who lies in no unit
            forms a row with a missing id.

        Raises
        ------
        InputError
            If there is no such level.
        """
        if by is not None and f"{by}_id" not in self.points:
            raise InputError("missing_column", layer=self.of, column=f"{by}_id")
        name = "unit" if by is None else f"{by}_id"
        group = np.full(len(self.points), "all", dtype=object) if by is None else self.points[name].to_numpy()
        table = pd.DataFrame(self.points[["total", "visited", "left"]]).groupby(group, dropna=False).sum()
        table.index.name = name
        table.insert(3, "rate", table["visited"] / table["total"].where(table["total"] > 0))
        return table.rename(columns={"total": self.of})


def assess_visits(plan: Plan, *, month: str, of: str = "households") -> Visits:
    """Count who was visited in a month.

    Several visits to one household count once. At a point of many households, visits to different doors (``door``) are
    different households; visits that name no door count as many as they say (``households``), and never are more
    visited than live at the point.

    Parameters
    ----------
    plan : Plan
        The plan, with ``visits`` and with what was visited.
    month : str
        The month, as ``"2026-10"``.
    of : {'households', 'enterprises'}, optional
        What to count.

    Returns
    -------
    Visits
        Point by point, with units.

    Raises
    ------
    MissingDataError
        If the plan has no such layer.
    InputError
        If the month is none.
    """
    if of not in VISITED:
        raise InputError("unknown_choice", value=of, allowed=", ".join(VISITED))
    plan.require(of)
    _require_month(month)
    if len(plan.visits) == 0:
        raise MissingDataError("missing_layer", layer="visits")
    column = f"{of[:-1]}_id"
    made = plan.visits[plan.visits["date"].str.startswith(month)]
    points = plan.households if of == "households" else place_layer(plan, "enterprises")
    total = points["households"].to_numpy(dtype=np.int64) if of == "households" else np.ones(len(points), np.int64)
    known = made[column].isin(points[column])
    seen = _count_doors(made[known], column).reindex(points[column], fill_value=0).to_numpy()
    visited = np.minimum(seen, total)
    nameless = made["household_id"].isna() & made["enterprise_id"].isna()
    told = points.assign(total=total, visited=visited, left=total - visited)
    basis = {
        "month": month,
        "of": of,
        "visits": int(known.sum()),
        "visits_unplaced": int((made[column].notna() & ~known).sum() + nameless.sum()),
        "counting": "each household or enterprise once a month, never more than live at the point",
        "estimated": bool(made["estimated"].any()),
    }
    unplaced = pd.DataFrame(made[(made[column].notna() & ~known) | nameless].drop(columns=made.geometry.name))
    return Visits(of, told, unplaced, basis)


def _require_month(month: str) -> None:
    try:
        date.fromisoformat(f"{month}-01")
    except (TypeError, ValueError):
        raise InputError("bad_month", value=month) from None


def _count_doors(made: gpd.GeoDataFrame, column: str) -> pd.Series:
    """Count different households by point: those with a door once each, the others as many as they say."""
    doors = made[made["door"].notna()].groupby(column)["door"].nunique()
    others = made[made["door"].isna()].groupby(column)["households"].sum()
    counts: pd.Series = doors.add(others, fill_value=0).astype("int64")
    return counts
