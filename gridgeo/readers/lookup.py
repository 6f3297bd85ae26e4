"""What rows of a list name in a plan: units, grids, stations, households, by identifier, code or name."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.errors import Fault
from gridgeo.plan import REFERENCES, Plan
from gridgeo.readers.clean import Repair
from gridgeo.readers.columns import personal_names
from gridgeo.readers.names import HIDDEN
from gridgeo.readers.raw import ROW, RawLayer
from gridgeo.readers.report import Findings
from gridgeo.schema import LAYERS

# What people leave out or put behind the name of a unit.
_ENDING = re.compile(r"(社区居民委员会|社区居委会|居民委员会|村民委员会|村委会|居委会|办事处|社区|村|街道|片区|网格)+$")

Aliases = dict[str, set[str]]


def look_up(name: str, frame: gpd.GeoDataFrame, raw: RawLayer, plan: Plan, found: Findings) -> gpd.GeoDataFrame:
    """Replace names and codes in a list by the identifiers of what they stand for.

    Parameters
    ----------
    name : str
        The list, one of `gridgeo.readers.columns.LISTS`.
    frame : GeoDataFrame
        Its rows.
    raw : RawLayer
        The table they came from, for faults.
    plan : Plan
        The plan that holds what they name.
    found : Findings
        What is not found, or stands for several things, is added to its faults; what was found by name to its repairs.

    Returns
    -------
    GeoDataFrame
        The rows. One that names a building has its household, where one alone lives there, else the building's place
        as its own.
    """
    lookup = _Lookup(name, frame, raw, found)
    for column, other in REFERENCES[name].items():
        if column not in frame or not frame[column].notna().any():
            continue
        things: gpd.GeoDataFrame = getattr(plan, other)
        if column == "household_id" and len(plan.buildings):
            lookup.replace(column, other, things, _aliases(plan.buildings, "building_id", ("name",)), plan=plan)
        elif things.empty:
            lookup.refuse_column(column, other)
        else:
            lookup.replace(column, other, things, _aliases(things, LAYERS[other].id_column, ("code", "name")))
    return lookup.frame


class _Lookup:
    """The look-ups of one table."""

    def __init__(self, name: str, frame: gpd.GeoDataFrame, raw: RawLayer, found: Findings) -> None:
        self.name, self.frame, self.raw, self.found = name, frame, raw, found
        self._hidden = personal_names(name, raw.columns)

    def refuse_column(self, column: str, other: str) -> None:
        """Say that there is nothing that a column could name."""
        values: dict[str, object] = {"target": other, "into": column}
        fault = Fault(
            key="names_nothing", layer=self.name, file=self.raw.file, column=self._source(column), values=values
        )
        self.found.faults.append(fault)
        self.frame = self.frame.assign(**{column: None})

    def replace(
        self, column: str, other: str, things: gpd.GeoDataFrame, aliases: Aliases, *, plan: Plan | None = None
    ) -> None:
        """Look one column up: identifiers as they are, then other names; with a plan the names of buildings."""
        said = self.frame[column]
        ids = set(things[LAYERS[other].id_column])
        answers = {value: value for value in said.dropna().unique() if value in ids}
        open_rows = said.notna() & ~said.isin(ids)
        if not open_rows.any():
            return
        meant = {
            value: aliases.get(_plain(value)) or aliases.get(_bare(value), set()) for value in said[open_rows].unique()
        }
        if plan is not None:
            self._find_homes(column, open_rows, meant, plan)
            return
        answers |= {value: next(iter(each)) for value, each in meant.items() if len(each) == 1}
        self._settle(column, said.map(answers), open_rows, {value for value, each in meant.items() if len(each) > 1})

    def _find_homes(self, column: str, open_rows: pd.Series, meant: Aliases, plan: Plan) -> None:
        """Replace buildings by who lives there, or by where they stand."""
        buildings = plan.buildings.set_index("building_id")
        homes = _homes_in(plan, set().union(*meant.values()))
        units = plan.units.set_index("unit_id").geometry
        named = self.frame.get("unit_id", pd.Series(None, index=self.frame.index, dtype="object")).astype("object")
        named = named.where(named.notna(), "")
        result = self.frame[column].where(~open_rows)
        places: dict[object, shapely.Point] = {}
        several: set[object] = set()
        for (value, unit), rows in self.frame[open_rows].groupby([self.frame[column], named], sort=False):
            found = meant[str(value)]
            if len(found) > 1 and unit in units.index:
                within = buildings.geometry[sorted(found)].representative_point().within(units[unit])
                found = set(within.index[within])
            if len(found) != 1:
                several |= {value} if found else set()
                continue
            building = next(iter(found))
            if len(homes[building]) == 1:
                result[rows.index] = homes[building][0]
            elif LAYERS[self.name].geometry:
                places |= dict.fromkeys(rows.index, buildings.geometry[building].representative_point())
        shapes = self.frame.geometry.copy()
        for at, place in places.items():
            if shapes[at] is None:
                shapes[at] = place
        self.frame = self.frame.set_geometry(gpd.GeoSeries(shapes, crs=self.frame.crs))
        settled = open_rows & ~open_rows.index.isin(list(places))
        self._settle(column, result, settled, several, count=int(open_rows.sum()))

    def _settle(
        self, column: str, result: pd.Series, asked: pd.Series, several: set[object], *, count: int | None = None
    ) -> None:
        """Take what was found, and name each row of which nothing, or too much, was."""
        source, hidden = self._source(column), self._source(column) in self._hidden
        said = self.frame[column]
        lost = np.flatnonzero(asked & result.isna())
        rows = self.frame[ROW].to_numpy()
        for at in lost:
            value = said.iloc[at]
            key = "name_of_several" if value in several else "name_of_nothing"
            where = {"layer": self.name, "file": self.raw.file, "row": int(rows[at]), "column": source}
            values: dict[str, object] = {"target": REFERENCES[self.name][column], "into": column}
            self.found.faults.append(Fault(key=key, value=HIDDEN if hidden else value, values=values, **where))  # type: ignore[arg-type]
        done = (int(asked.sum()) if count is None else count) - len(lost)
        if done:
            repair = Repair(self.name, self.raw.file, None, source, done, REFERENCES[self.name][column], "by_name")
            self.found.repairs.append(repair)
        self.frame = self.frame.assign(**{column: result.astype("object").where(result.notna(), None)})

    def _source(self, column: str) -> str:
        return self.found.mappings[self.name].columns.get(column, column)


def _aliases(things: gpd.GeoDataFrame, id_column: str, columns: Iterable[str]) -> Aliases:
    """Return what things are called: by code or name, and by the name without the word for what they are."""
    known: defaultdict[str, set[str]] = defaultdict(set)
    bare: defaultdict[str, set[str]] = defaultdict(set)
    ids = things[id_column]
    for column in (id_column, *columns):
        if column not in things:
            continue
        for value, each in zip(things[column], ids, strict=True):
            if isinstance(value, str) and value:
                known[_plain(value)].add(each)
                bare[_bare(value)].add(each)
    return {**bare, **known}


def _homes_in(plan: Plan, buildings: set[str]) -> dict[str, list[str]]:
    """Return the household points in each building."""
    rows = plan.buildings[plan.buildings["building_id"].isin(buildings)]
    tree = shapely.STRtree(plan.households.geometry.to_numpy())
    building, home = tree.query(rows.geometry.to_numpy(), predicate="intersects")
    ids, homes = rows["building_id"].to_numpy(), plan.households["household_id"].to_numpy()
    found: dict[str, list[str]] = {each: [] for each in ids}
    for one, other in zip(building, home, strict=True):
        found[ids[one]].append(homes[other])
    return found


def _plain(value: str) -> str:
    """Return a name without what people write differently: width, case, blanks."""
    return "".join(unicodedata.normalize("NFKC", value).split()).lower()


def _bare(value: str) -> str:
    plain = _plain(value)
    return _ENDING.sub("", plain) or plain
