"""A plan as a programme sees it: its units of any level, its things by kind, and who reaches what, each found once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from gridgeo.coverage import Coverage, assess_coverage
from gridgeo.coverage.assess import list_services
from gridgeo.network import Network, build_network
from gridgeo.network.measure import Flags, Floats, Ints, limit_units, to_metres
from gridgeo.network.reach import find_reach
from gridgeo.plan import Name, Plan, locate_in_units
from gridgeo.positions import place_layer
from gridgeo.programmes.model import GRID_LEVEL, Programme, Radius, Selector, join_names, worded
from gridgeo.programmes.verdicts import MissingDataSaid

_COLUMN = {
    "station": ("stations", "station_kind"),
    "people": ("people", "role"),
    "need": ("needs", "need_kind"),
    "enterprise": ("enterprises", "enterprise_kind"),
    "landuse": ("landuse", "landuse_kind"),
}
_WHERE = {"at": "level", "time": "time", "status": "status", "grid_kind": "grid_kind"}
_FREE = ("people", "need")


@dataclass(frozen=True, eq=False)
class Reached:
    """Who reaches some stations.

    Parameters
    ----------
    distance : ndarray of float, shape (households,)
        How far it is to the nearest, in the radius' unit; inf for none.
    within : ndarray of bool, shape (households,)
        Whether that is within the radius, inclusive.
    coverage : Coverage or None
        The walks; None for a straight line.
    """

    distance: Floats
    within: Flags
    coverage: Coverage | None


@dataclass(eq=False)
class Case:
    """A plan, a programme, and what was already found for them.

    Parameters
    ----------
    plan : Plan
        The plan.
    programme : Programme
        The programme.
    """

    plan: Plan
    programme: Programme
    _reached: dict[object, Reached] = field(default_factory=dict, init=False)
    _placed: dict[str, gpd.GeoDataFrame] = field(default_factory=dict, init=False)

    @cached_property
    def network(self) -> Network:
        """The walking network."""
        self.require("streets")
        return build_network(self.plan.streets, barriers=self.plan.barriers, gates=self.plan.gates)

    def require(self, *layers: str) -> None:
        """Refuse to answer without certain layers.

        Parameters
        ----------
        *layers : str
            The layers that must have rows.

        Raises
        ------
        MissingDataSaid
            If one of them is empty.
        """
        for layer in layers:
            if len(getattr(self.plan, layer)) == 0:
                raise MissingDataSaid("layer", layer=worded("layer", layer))

    def placed(self, layer: str) -> gpd.GeoDataFrame:
        """Return a layer with a position and units for each row, as far as they are known.

        Parameters
        ----------
        layer : {'stations', 'people', 'needs', 'enterprises'}
            The layer.

        Returns
        -------
        GeoDataFrame
            What `gridgeo.positions.place_layer` gives.
        """
        if layer not in self._placed:
            self._placed[layer] = place_layer(self.plan, layer)
        return self._placed[layer]

    def weights(self, group: str) -> Floats:
        """Return how many households, or people of a group, live at each household point.

        Parameters
        ----------
        group : str
            A column of ``households``.

        Returns
        -------
        ndarray of float, shape (households,)
            The counts.

        Raises
        ------
        MissingDataSaid
            If the plan does not say.
        """
        self.require("households")
        households = self.plan.households
        label = worded("group", group)
        if group not in households:
            raise MissingDataSaid("group_column", group=label, column=group)
        counts: Floats = pd.to_numeric(households[group], errors="coerce").to_numpy(dtype=np.float64)
        if not np.isfinite(counts).all():
            raise MissingDataSaid("group_unknown", group=label, column=group)
        if counts.sum() <= 0:
            raise MissingDataSaid("group_nobody", group=label, column=group)
        return counts

    def units(self, level: str) -> gpd.GeoDataFrame:
        """Return the units of a level, whatever they are made of.

        Parameters
        ----------
        level : str
            A level of the plan or of the programme.

        Returns
        -------
        GeoDataFrame
            ``unit_id``, ``name``, ``<level>_id`` of those above, geometry; for grids also ``grid_kind``.

        Raises
        ------
        MissingDataSaid
            If the plan has none.
        """
        declared = next((each for each in self.programme.levels if each.level == level), None)
        column = f"{level}_id"
        if level == GRID_LEVEL:
            self.require("grids")
            frame = self.plan.grids.assign(unit_id=self.plan.grids["grid_id"], above=self.plan.grids["community_id"])
        elif (self.plan.units["level"] == level).any():
            frame = self.plan.units[self.plan.units["level"] == level].assign(above=lambda each: each["parent_id"])
        elif declared is not None and declared.role:
            chosen = self.select(Selector("people", declared.role))
            return chosen.assign(unit_id=chosen["person_id"], name=chosen["person_id"])
        elif column in self.plan.households and self.plan.households[column].notna().any():
            return self._groups(column)
        elif declared is not None and declared.station:
            chosen = self.select(Selector("station", declared.station))
            return chosen.assign(unit_id=chosen["station_id"])
        else:
            raise MissingDataSaid("level", level=self.level_name(level))
        return self._with_units_above(frame.reset_index(drop=True), level)

    @cached_property
    def blocks(self) -> gpd.GeoDataFrame:
        """The plan's blocks with ``<level>_id`` for every level above the grid."""
        blocks = self.plan.blocks
        return self._with_units_above(blocks.assign(unit_id=blocks["block_id"], above=blocks["community_id"]), "block")

    def level_name(self, level: str) -> Name:
        """Return what people call a level: the programme's word, else the plan's.

        Parameters
        ----------
        level : str
            Its key.

        Returns
        -------
        Name
            Its name.
        """
        named = {each.level: each.name for each in self.plan.info.levels}
        named |= {each.level: each.name for each in self.programme.levels}
        return named.get(level, Name(level, level))

    def _groups(self, column: str) -> gpd.GeoDataFrame:
        """Make units of the groups that households say they are of: building groups, stairwells."""
        households = self.plan.households
        known = households[households[column].notna()]
        above = [f"{level.level}_id" for level in self.plan.info.levels if f"{level.level}_id" in known]
        first = known.groupby(column, sort=True)[above].first()
        shapes = known.groupby(column, sort=True)[known.geometry.name].agg(lambda mine: shapely.union_all(list(mine)))
        frame = gpd.GeoDataFrame(first.reset_index(names="unit_id"), geometry=shapes.to_numpy(), crs=self.plan.crs)
        return frame.assign(name=frame["unit_id"])

    def _with_units_above(self, frame: gpd.GeoDataFrame, level: str) -> gpd.GeoDataFrame:
        units = self.plan.units.drop_duplicates("unit_id").set_index("unit_id")
        frame = frame.assign(**{f"{level}_id": frame["unit_id"]})
        current = frame["above"]
        # As many steps as there are levels: a circle of parents must not keep anybody here.
        for _ in self.plan.info.levels:
            for known in units["level"].unique():
                here = current.map(units["level"]) == known
                if here.any() and known != level:
                    before = frame.get(f"{known}_id", pd.Series(None, index=frame.index, dtype="str"))
                    frame[f"{known}_id"] = before.where(before.notna() | ~here, current)
            current = current.map(units["parent_id"])
        return frame.drop(columns="above")

    def select(self, selector: Selector) -> gpd.GeoDataFrame:
        """Return the things of a plan that a selector chooses.

        Parameters
        ----------
        selector : Selector
            The selector.

        Returns
        -------
        GeoDataFrame
            Their rows, with the units they belong to where the plan knows; may be empty.

        Raises
        ------
        MissingDataSaid
            If the plan lacks the layer, the level, or what tells them apart.
        """
        if selector.layer == "level":
            frame = self.units(selector.key)
        elif selector.layer == "zoning":
            frame = self._zones(selector.key)
        elif selector.layer == "service":
            self.require("stations")
            stations = self.placed("stations")
            offered = stations["services"].map(list_services)
            if not offered.map(bool).any():
                raise MissingDataSaid("column", layer=worded("layer", "stations"), column="services")
            frame = stations[stations["open"] & offered.map(lambda names: selector.key in names)]
        else:
            frame = self._of_kind(selector)
        for name, value in selector.where.items():
            frame = frame[frame[_WHERE[name]] == value]
        return frame

    def _of_kind(self, selector: Selector) -> gpd.GeoDataFrame:
        layer, column = _COLUMN[selector.layer]
        self.require(layer)
        frame = self._inside(self.plan.landuse) if layer == "landuse" else self.placed(layer)
        if selector.layer == "station":
            kinds = {each.station: each.name for each in self.programme.stations}
            if selector.key != "*" and not frame[column].isin(kinds).any():
                raise MissingDataSaid("station_kinds", kinds=join_names(kinds.values()))
            frame = frame[frame["open"]]
        return frame if selector.key == "*" else frame[frame[column] == selector.key]

    def _inside(self, areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return the areas that lie in the district: the map's ground reaches beyond it."""
        if len(self.plan.units) == 0:
            return areas
        return areas[shapely.intersects(self.plan.district, areas.geometry.representative_point().to_numpy())]

    def _zones(self, zoning: str) -> gpd.GeoDataFrame:
        self.require("zonings", "blocks")
        mine = self.plan.zonings[self.plan.zonings["zoning"] == zoning]
        if mine.empty:
            raise MissingDataSaid("zoning", zoning=zoning)
        blocks = self.plan.blocks.set_index("block_id").geometry
        shapes = mine.groupby("zone_id")["block_id"].agg(lambda ids: shapely.union_all(blocks.reindex(ids).to_numpy()))
        frame = gpd.GeoDataFrame({"unit_id": shapes.index.astype("str")}, geometry=shapes.to_numpy(), crs=self.plan.crs)
        return frame.assign(name=frame["unit_id"])

    def located(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Give things that are of no unit yet the units they lie in: areas by a point within them.

        Parameters
        ----------
        frame : GeoDataFrame
            What `select` returned.

        Returns
        -------
        GeoDataFrame
            With ``grid_id`` and ``<level>_id`` for every level of the plan; as it is where it has any.
        """
        if any(f"{level.level}_id" in frame for level in self.plan.info.levels):
            return frame
        inside = locate_in_units(self.plan, frame.set_geometry(frame.geometry.representative_point()))
        return frame.assign(**{name: inside[name] for name in inside.columns.difference(frame.columns)})

    def providers(self, selector: Selector) -> gpd.GeoDataFrame:
        """Return stations, or people, as points that households walk to.

        Parameters
        ----------
        selector : Selector
            Stations of a kind, those that offer a service, or people of a role.

        Returns
        -------
        GeoDataFrame of Point
            With ``station_id``.

        Raises
        ------
        MissingDataSaid
            If there is none with a position.
        """
        frame = self.select(selector)
        if selector.layer in _FREE:
            frame = frame.assign(station_id=frame.iloc[:, 0])
        frame = frame[frame.geometry.notna() & ~frame.geometry.is_empty]
        if frame.empty:
            raise MissingDataSaid("provider", what=self.programme.name_of(selector))
        return frame.reset_index(drop=True)

    def radius_of(self, selector: Selector, radius: Radius | None) -> Radius:
        """Return the radius of a rule: its own, else that of the kind of station.

        Parameters
        ----------
        selector : Selector
            What the rule is about.
        radius : Radius or None
            The rule's own.

        Returns
        -------
        Radius
            The radius.

        Raises
        ------
        MissingDataSaid
            If neither has one.
        """
        kind = next((each for each in self.programme.stations if each.station == selector.key), None)
        found = radius or (kind.radius if kind is not None and selector.layer == "station" else None)
        if found is None:
            raise MissingDataSaid("radius", what=self.programme.name_of(selector))
        return found

    def reach(self, selector: Selector, radius: Radius, own: str | None = None) -> Reached:
        """Find who reaches what a selector chooses within a radius.

        Parameters
        ----------
        selector : Selector
            What is walked to.
        radius : Radius
            How far.
        own : str, optional
            A level: only what belongs to the household's own unit counts.

        Returns
        -------
        Reached
            The answer for every household.

        Raises
        ------
        MissingDataSaid
            If there is nothing to walk to, or the plan does not know the units.
        """
        key = (selector.layer, selector.key, tuple(selector.where.items()), radius, own)
        if key not in self._reached:
            self.require("households")
            self._reached[key] = self._reach(selector, radius, own)
        return self._reached[key]

    def _reach(self, selector: Selector, radius: Radius, own: str | None) -> Reached:
        if selector.layer in ("station", "service") and self.select(selector).empty:
            # The plan has stations, and none of these: nobody reaches one.
            nobody = np.zeros(len(self.plan.households), dtype=bool)
            return Reached(np.full(len(nobody), np.inf), nobody, None)
        points = self.providers(selector)
        return self._straight(points, radius, own) if radius.walk == "straight" else self._walk(points, radius, own)

    def _straight(self, points: gpd.GeoDataFrame, radius: Radius, own: str | None) -> Reached:
        home = shapely.get_coordinates(self.plan.households.geometry.to_numpy())
        distance = np.full(len(home), np.inf)
        for mine, theirs in self._circles(points, own):
            stations = shapely.get_coordinates(points.geometry.to_numpy()[theirs])
            if len(stations):
                distance[mine] = cKDTree(stations).query(home[mine])[0]
        # To the millimetre, as walks are measured: a household on the circle is inside.
        distance = np.round(distance, 3)
        return Reached(distance, distance <= radius.value, None)

    def _walk(self, points: gpd.GeoDataFrame, radius: Radius, own: str | None) -> Reached:
        minutes = radius.unit == "min"
        coverage = assess_coverage(
            self.network,
            self.plan.households,
            points,
            cutoff_m=radius.metres,
            cutoff_min=radius.value if minutes else None,
            person=radius.walker,
        )
        distance, within = coverage.distance_m, coverage.covered
        if own is not None:
            # Only walks within the radius are asked for: of the others it matters only that they are longer.
            limit = limit_units(coverage.cutoff_m)
            walks = find_reach(coverage.network, coverage.household_access, coverage.roster.counted_access, limit=limit)
            home, theirs = self._unit_codes(points, own)
            mine = (home[walks.household] == theirs[walks.station]) & (home[walks.household] >= 0)
            shortest = np.full(len(home), np.iinfo(np.int64).max)
            np.minimum.at(shortest, walks.household[mine], walks.units[mine])
            within = shortest <= limit
            distance = np.where(within, to_metres(np.where(within, shortest, 0)), np.inf)
        return Reached(distance / coverage.asked.pace.speed_m_per_min if minutes else distance, within, coverage)

    def _circles(self, points: gpd.GeoDataFrame, own: str | None) -> list[tuple[Flags, Flags]]:
        """Say which households may go to which points: all to all, or each unit's to its own."""
        if own is None:
            return [(np.ones(len(self.plan.households), dtype=bool), np.ones(len(points), dtype=bool))]
        home, theirs = self._unit_codes(points, own)
        return [(home == code, theirs == code) for code in np.unique(home[home >= 0])]

    def _unit_codes(self, points: gpd.GeoDataFrame, level: str) -> tuple[Ints, Ints]:
        """Give the units of a level numbers, for households and for points; -1 for none."""
        column = f"{level}_id"
        if column not in self.plan.households or column not in points:
            raise MissingDataSaid("level", level=self.level_name(level))
        codes = pd.Index(self.plan.households[column].dropna().unique())
        return codes.get_indexer(self.plan.households[column]), codes.get_indexer(points[column])
