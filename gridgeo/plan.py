"""The plan: one place and everything known of it, as layers that always agree with each other.

A plan never changes; `Plan.replace` gives a new one. That is also where layers are checked and where every household
learns its block, grid and units, so no other module has to keep them in step.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray
from pyproj import CRS

from gridgeo.crs import require_metric
from gridgeo.edit_log import EditRecord, check_log
from gridgeo.errors import Fault, InputError, MissingDataError
from gridgeo.schema import LAYERS, check_layer, complete_layer, empty_layer, place_nowhere
from gridgeo.schema.counts import check_counts
from gridgeo.texts import current_language


@dataclass(frozen=True)
class Name:
    """A name or a note in both languages.

    Parameters
    ----------
    zh, en : str
        The Chinese and the English wording.
    """

    zh: str
    en: str

    def __str__(self) -> str:
        return self.zh if current_language() == "zh" else self.en


@dataclass(frozen=True)
class Level:
    """One level of the hierarchy, from the sub-district down to the grid.

    Parameters
    ----------
    level : str
        Its key: the value of ``units.level``, and with ``_id`` behind it the name of the column that households
        carry for it.
    name : Name
        What people call it.
    """

    level: str
    name: Name


STANDARD_LEVELS = (
    Level("subdistrict", Name("街道", "sub-district")),
    Level("community", Name("社区", "community")),
    Level("grid", Name("网格", "grid")),
)
"""The hierarchy of a place that names no other: 街道 – 社区 – 网格."""


REFERENCES = {
    "enterprises": {"grid_id": "grids"},
    "people": {"unit_id": "units", "grid_id": "grids", "station_id": "stations", "household_id": "households"},
    "needs": {"unit_id": "units", "household_id": "households", "person_id": "people"},
    "visits": {"household_id": "households", "enterprise_id": "enterprises", "person_id": "people"},
    "zonings": {"block_id": "blocks"},
}
"""Columns that name a row of another layer."""


@dataclass(frozen=True)
class PlanInfo:
    """What a plan says of itself.

    Parameters
    ----------
    name : Name
        The place.
    levels : tuple of Level
        The hierarchy, highest first; the last is the grid.
    attribution : str
        Whose data it shows; printed on every map.
    notes : tuple of Name
        What a reader must know of the figures: what is estimated, from what, and how.
    personal : bool
        Whether the plan keeps columns that tell who somebody is (names, telephone numbers); else they are dropped.
    programme : str
        The programme applied to it, as TOML text (see `gridgeo.programmes`); empty for none.
    """

    name: Name
    levels: tuple[Level, ...] = STANDARD_LEVELS
    attribution: str = ""
    notes: tuple[Name, ...] = ()
    personal: bool = False
    programme: str = ""


@dataclass(frozen=True)
class Plan:
    """One place and everything known of it. Make one with `make_plan`.

    Parameters
    ----------
    info : PlanInfo
        What the plan says of itself.
    crs : pyproj.CRS
        The metric system of all layers.
    units, streets, barriers, gates, buildings, landuse, places, blocks, grids, households, stations : GeoDataFrame
        The layers, complete and typed as `gridgeo.schema.LAYERS` says. `households` also carries ``block_id`` and a
        column ``<level>_id`` for each level (``grid_id``, ``community_id``, ``subdistrict_id``, …), empty where a
        household lies outside.
    enterprises, people, needs, visits, zonings : GeoDataFrame
        The further layers that programmes ask for, in the same form.
    edits : tuple of EditRecord
        The log: every edit made, see `gridgeo.redraw`. Layers exchanged with `replace` do not go through it.
    bases : tuple of str
        Names, made at random, of what the log's edits stand on: the last is of this plan, those before it of the plans
        it came from by `replace`. Two plans hold the same when their last names and their logs are the same.
    """

    info: PlanInfo
    crs: CRS
    units: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    landuse: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    blocks: gpd.GeoDataFrame
    grids: gpd.GeoDataFrame
    households: gpd.GeoDataFrame
    stations: gpd.GeoDataFrame
    enterprises: gpd.GeoDataFrame
    people: gpd.GeoDataFrame
    needs: gpd.GeoDataFrame
    visits: gpd.GeoDataFrame
    zonings: gpd.GeoDataFrame
    edits: tuple[EditRecord, ...] = ()
    bases: tuple[str, ...] = ()

    @property
    def open_stations(self) -> gpd.GeoDataFrame:
        """The stations that are open: those that coverage counts."""
        return self.stations if self.stations["open"].all() else self.stations[self.stations["open"]]

    @property
    def district(self) -> shapely.Geometry:
        """The ground the plan covers: the union of its highest units, in metres."""
        self.require("units")
        top = self.units[self.units["level"] == self.info.levels[0].level]
        return shapely.union_all((top if len(top) else self.units).geometry.to_numpy())

    def layers(self) -> dict[str, gpd.GeoDataFrame]:
        """Return all layers by name.

        Returns
        -------
        dict
            Layer name → GeoDataFrame, in the order of `gridgeo.schema.LAYERS`.
        """
        return {name: getattr(self, name) for name in LAYERS}

    def require(self, *names: str) -> None:
        """Refuse to go on without certain layers.

        Parameters
        ----------
        *names : str
            The layers that must have rows.

        Raises
        ------
        MissingDataError
            If one of them is empty.
        """
        for name in names:
            if len(getattr(self, name)) == 0:
                raise MissingDataError("missing_layer", layer=name)

    def replace(
        self,
        *,
        info: PlanInfo | None = None,
        edits: tuple[EditRecord, ...] | None = None,
        **layers: gpd.GeoDataFrame,
    ) -> Plan:
        """Return the plan with some layers exchanged, checked and in step again.

        Parameters
        ----------
        info : PlanInfo, optional
            What the plan says of itself from now on.
        edits : tuple of EditRecord, optional
            The log from now on; a plan whose blocks are cut anew needs a new, empty one.
        **layers : GeoDataFrame
            The new layers by name; of those that need no geometry also plain tables.

        Returns
        -------
        Plan
            A new plan; this one stays as it is.

        Raises
        ------
        InputError
            If a layer has faults; all are named.
        CRSError
            If a layer is in another system than the plan.
        """
        unknown = set(layers) - set(LAYERS)
        if unknown:
            raise TypeError(f"a plan has no layers {sorted(unknown)}")
        log = self.edits if edits is None else edits
        return _assemble(info or self.info, self.crs, {**self.layers(), **layers}, log, before=self)


def make_plan(
    info: PlanInfo,
    crs: object,
    *,
    edits: tuple[EditRecord, ...] = (),
    base: str | None = None,
    **layers: gpd.GeoDataFrame,
) -> Plan:
    """Make a plan from layers.

    Parameters
    ----------
    info : PlanInfo
        What the plan says of itself.
    crs : object
        The metric system of all layers.
    edits : tuple of EditRecord, optional
        The log of the edits that made the layers what they are.
    base : str, optional
        What the log's edits stand on, where that has a name already: see `Plan.bases`.
    **layers : GeoDataFrame
        The layers by name, see `gridgeo.schema.LAYERS`; those left out are empty, and those that need no geometry may
        be plain tables.

    Returns
    -------
    Plan
        The plan, its layers complete, typed and in step.

    Raises
    ------
    InputError
        If a layer has faults; the error's ``faults`` name every one, of all layers.
    CRSError
        If a layer is not in `crs`.
    """
    unknown = set(layers) - set(LAYERS)
    if unknown:
        raise TypeError(f"a plan has no layers {sorted(unknown)}")
    return _assemble(info, CRS.from_user_input(crs), layers, edits, base=base)


def check_plan(plan: Plan) -> list[Fault]:
    """Name everything in a plan that does not fit together.

    Parameters
    ----------
    plan : Plan
        The plan; its layers are sound by themselves, since `make_plan` checked them.

    Returns
    -------
    list of Fault
        Households outside every block, counts that disagree, blocks and units that refer to nothing, stations outside
        the district, the record of the log that was altered, with layer and row; empty when all is well.
    """
    faults: list[Fault] = check_log(plan.edits)
    grid_ids, unit_ids = set(plan.grids["grid_id"]), set(plan.units["unit_id"])
    for column, known in (("grid_id", grid_ids), ("community_id", unit_ids)):
        lost = plan.blocks[column].notna() & ~plan.blocks[column].isin(known)
        faults += [_dangling("blocks", row, column, plan.blocks[column].iloc[row]) for row in np.flatnonzero(lost)]
    faults += _dangling_people(plan)
    lost = plan.units["parent_id"].notna() & ~plan.units["parent_id"].isin(unit_ids)
    faults += [_dangling("units", row, "parent_id", plan.units["parent_id"].iloc[row]) for row in np.flatnonzero(lost)]
    if len(plan.blocks):
        faults += check_counts(plan.blocks, plan.grids, plan.households)
        outside = plan.households["block_id"].isna()
        for row in np.flatnonzero(outside):
            value = plan.households["household_id"].iloc[row]
            faults.append(Fault(key="household_outside", layer="households", row=int(row) + 1, value=value))
    if len(plan.units):
        distance = plan.stations.distance(plan.district).to_numpy()
        for row in np.flatnonzero(distance > 0):
            value, away = plan.stations["station_id"].iloc[row], round(float(distance[row]))
            faults.append(
                Fault(
                    key="station_outside",
                    layer="stations",
                    row=int(row) + 1,
                    value=value,
                    values={"distance_m": away},
                )
            )
    return faults


def locate(points: gpd.GeoSeries, areas: gpd.GeoDataFrame, id_column: str) -> pd.Series:
    """Tell in which area each point lies.

    Parameters
    ----------
    points : GeoSeries of Point, length n
        The points, in metres.
    areas : GeoDataFrame of polygons
        The areas, in the same system, with `id_column`.
    id_column : str
        The column that names an area.

    Returns
    -------
    Series of str, length n
        The area's id, the first in the areas' order for a point on a shared border; missing outside all.
    """
    found = np.full(len(points), len(areas), dtype=np.int64)
    if len(areas) and len(points):
        # Areas ask for points rather than points for areas: GEOS prepares what asks, once for all points in it.
        area, point = shapely.STRtree(points.to_numpy()).query(areas.geometry.to_numpy(), predicate="intersects")
        np.minimum.at(found, point, area)
    ids = np.array([*areas[id_column], None], dtype=object)
    return pd.Series(ids[found], index=points.index, dtype="str", name=id_column)


def _dangling_people(plan: Plan) -> list[Fault]:
    """Name what people, needs, visits and zonings refer to and the plan has not got."""
    faults = []
    for layer, columns in REFERENCES.items():
        frame: gpd.GeoDataFrame = getattr(plan, layer)
        for column, other in columns.items():
            said = frame[column].notna()
            if not said.any():
                continue
            known = set(getattr(plan, other)[LAYERS[other].id_column])
            lost = said & ~frame[column].isin(known)
            faults += [_dangling(layer, row, column, frame[column].iloc[row]) for row in np.flatnonzero(lost)]
    return faults


def _dangling(layer: str, row: np.intp, column: str, value: object) -> Fault:
    return Fault(key="dangling_reference", layer=layer, row=int(row) + 1, column=column, value=value)


def _assemble(
    info: PlanInfo,
    crs: CRS,
    layers: Mapping[str, gpd.GeoDataFrame],
    edits: tuple[EditRecord, ...],
    before: Plan | None = None,
    base: str | None = None,
) -> Plan:
    """Check, complete and put in step what differs from the plan before; layers left out are empty, which is sound."""
    changed = {name for name in layers if before is None or layers[name] is not getattr(before, name)}
    if before is not None and before.info.personal and not info.personal:
        changed |= {name for name, layer in LAYERS.items() if layer.personal}
    done = {
        name: place_nowhere(name, layers[name], crs) if name in layers else empty_layer(name, crs) for name in LAYERS
    }
    faults = [fault for name in LAYERS if name in changed for fault in check_layer(name, done[name])]
    if faults:
        raise InputError("faults_in_plan", faults=faults, count=len(faults))
    for name in LAYERS:
        if name in changed:
            require_metric(done[name], layer=name, crs=crs)
            done[name] = complete_layer(name, done[name], personal=info.personal)
    require_metric(done["units"], layer="units", crs=crs)  # also of a plan without layers
    if changed & {"households", "blocks", "units"} or before is None or info.levels != before.info.levels:
        same_ground = before is not None and "households" not in changed and _same_ground(before.blocks, done["blocks"])
        if not same_ground:
            block_id = locate(done["households"].geometry, done["blocks"], "block_id")
            done["households"] = done["households"].assign(block_id=block_id)
        done["households"] = _with_units(info, done)
    bases = (*(before.bases if before is not None else ()), base or secrets.token_hex(8))
    return Plan(info=info, crs=crs, edits=edits, bases=bases, **done)


def locate_in_units(plan: Plan, points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give points their block, grid and units, as households have them.

    Parameters
    ----------
    plan : Plan
        The plan.
    points : GeoDataFrame of Point
        The points, in the plan's system; a geometry may be missing.

    Returns
    -------
    GeoDataFrame
        With ``block_id``, ``grid_id`` and ``<level>_id`` for each level above, set anew; missing where a point lies
        outside or has no geometry.
    """
    located = points.assign(block_id=locate(points.geometry, plan.blocks, "block_id"))
    return _with_units(plan.info, {"households": located, "blocks": plan.blocks, "units": plan.units})


def _same_ground(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame) -> bool:
    """Tell whether only the assignment of the blocks changed: then every household stays in its block."""
    if len(before) != len(after) or not before["block_id"].equals(after["block_id"]):
        return False
    return bool(shapely.equals_identical(before.geometry.to_numpy(), after.geometry.to_numpy()).all())


def _with_units(info: PlanInfo, layers: Mapping[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Give each household its grid and a column for every level above, from its block's assignment."""
    households, units = layers["households"].copy(), layers["units"]
    blocks = layers["blocks"].set_index("block_id")
    # Looked up once for all households of a block or a unit: there are few of these.
    block, known = pd.factorize(households["block_id"])
    households["grid_id"] = _spread(blocks["grid_id"].reindex(known), block)
    above = [level.level for level in info.levels[:-1]]
    if not above:
        return households
    if blocks["community_id"].notna().any():
        unit, seen = block, blocks["community_id"].reindex(known)
    else:
        finest = next(
            (units[units["level"] == level] for level in reversed(above) if (units["level"] == level).any()),
            units,
        )
        unit, seen = pd.factorize(locate(households.geometry, finest, "unit_id"))
    current = pd.Series(seen, dtype="str").reset_index(drop=True)
    by_id = units.set_index("unit_id")
    for level in reversed(above):
        # Climb only from a unit of this level: a branch of the hierarchy may leave a level out.
        here = current.map(by_id["level"]) == level
        households[f"{level}_id"] = _spread(current.where(here), unit)
        current = current.where(~here, current.map(by_id["parent_id"]).astype("str"))
    return households


def _spread(values: pd.Series, at: NDArray[np.intp]) -> ExtensionArray:
    """Return for each row the text at its place; none for -1."""
    return values.astype("str").array.take(at, allow_fill=True)
