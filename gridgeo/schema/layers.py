"""The layers of a plan: their columns, types and geometries."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ColumnType = Literal["text", "count", "number", "bool", "date"]
GeometryKind = Literal["point", "line", "polygon"]

STREET_CLASSES = (
    "motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link",
    "tertiary", "tertiary_link", "unclassified", "residential", "living_street", "service", "pedestrian", "track",
    "busway", "road", "footway", "cycleway", "path", "steps", "bridleway", "corridor", "elevator", "platform",
)  # fmt: skip
"""Classes of streets: the values of OSM's ``highway`` key, strongest first."""

BARRIER_KINDS = ("wall", "railway", "water", "expressway")
"""What a walk cannot cross except at an open gate, a bridge or a tunnel."""

GRID_KINDS = ("general", "dedicated")
"""综合网格 and 专属网格."""

TIMES = ("full", "seconded", "part")
"""How somebody works: full-time (专职), seconded (下派), part-time (兼职)."""

NEED_STATES = ("open", "met")
"""Whether somebody has seen to a need."""


@dataclass(frozen=True)
class Column:
    """One column of a layer.

    Parameters
    ----------
    name : str
        Its name.
    kind : {'text', 'count', 'number', 'bool', 'date'}
        What it holds; a count is a whole number from zero, a date a day as ``2026-11-22``.
    required : bool
        Whether a layer without it, or with an empty cell in it, is refused.
    default : object
        What an absent optional column is filled with.
    allowed : tuple of str
        The only values it may hold; empty for any.
    minimum : float, optional
        The least value it may hold.
    personal : bool
        Whether it tells who somebody is; a plan keeps such columns only when that is asked for.
    """

    name: str
    kind: ColumnType
    required: bool = False
    default: object = None
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    personal: bool = False


@dataclass(frozen=True)
class Layer:
    """The form of one layer.

    Parameters
    ----------
    name : str
        The layer's name in a plan.
    geometry : tuple of {'point', 'line', 'polygon'}
        The geometries it may hold; empty for a plain table, which has an empty geometry in every row.
    columns : tuple of Column
        Its columns, the identifier first.
    placed : bool
        Whether every row must have a geometry.
    key : tuple of str
        The columns that name each row once together; the first column when left out.
    since : int
        The plan format that brought it: a file of an older one may lack it.
    """

    name: str
    geometry: tuple[GeometryKind, ...]
    columns: tuple[Column, ...]
    placed: bool = True
    key: tuple[str, ...] = ()
    since: int = 1

    @property
    def id_column(self) -> str:
        """The column that names each row once."""
        return self.columns[0].name

    @property
    def personal(self) -> bool:
        """Whether it is about single persons: then it keeps no columns but its own."""
        return any(column.personal for column in self.columns)

    def column_names(self) -> list[str]:
        """Return the names of the layer's columns.

        Returns
        -------
        list of str
            In the layer's order, without the geometry.
        """
        return [column.name for column in self.columns]


def _id(name: str) -> Column:
    return Column(name, "text", required=True)


def _people(name: str) -> Column:
    return Column(name, "count", default=0, minimum=0)


def _personal(name: str) -> Column:
    return Column(name, "text", personal=True)


_ORIGIN = (Column("estimated", "bool", default=False), Column("source", "text"))


LAYERS: MappingProxyType[str, Layer] = MappingProxyType(
    {
        layer.name: layer
        for layer in (
            Layer(
                "units",
                ("polygon",),
                (
                    _id("unit_id"),
                    Column("name", "text"),
                    Column("level", "text", required=True),
                    Column("parent_id", "text"),
                    Column("code", "text"),
                    Column("population", "number", minimum=0),
                    Column("estimated", "bool", default=False),
                    Column("source", "text"),
                ),
            ),
            Layer(
                "streets",
                ("line",),
                (
                    _id("street_id"),
                    Column("name", "text"),
                    Column("street_class", "text", required=True, allowed=STREET_CLASSES),
                    Column("walkable", "bool", default=True),
                    Column("bridge", "bool", default=False),
                    Column("tunnel", "bool", default=False),
                    Column("layer", "number", default=0),
                ),
            ),
            Layer(
                "barriers",
                ("line", "polygon"),
                (
                    _id("barrier_id"),
                    Column("barrier_kind", "text", required=True, allowed=BARRIER_KINDS),
                    Column("name", "text"),
                ),
            ),
            Layer(
                "gates",
                ("point",),
                (
                    _id("gate_id"),
                    Column("name", "text"),
                    Column("open", "bool", default=True),
                    Column("hours", "text"),
                ),
            ),
            Layer(
                "buildings",
                ("polygon",),
                (
                    _id("building_id"),
                    Column("name", "text"),
                    Column("building_kind", "text"),
                    Column("levels", "number", minimum=0),
                    Column("estimated", "bool", default=False),
                ),
            ),
            Layer(
                "landuse",
                ("polygon",),
                (
                    _id("landuse_id"),
                    Column("name", "text"),
                    Column("landuse_kind", "text"),
                ),
            ),
            Layer(
                "places",
                ("point",),
                (
                    _id("place_id"),
                    Column("name", "text"),
                    Column("place_kind", "text"),
                ),
            ),
            Layer(
                "blocks",
                ("polygon",),
                (
                    _id("block_id"),
                    Column("community_id", "text"),
                    Column("grid_id", "text"),
                ),
            ),
            Layer(
                "grids",
                ("polygon",),
                (
                    _id("grid_id"),
                    Column("code", "text"),
                    Column("name", "text"),
                    Column("community_id", "text"),
                    Column("grid_kind", "text", default="general", allowed=GRID_KINDS),
                    Column("locked", "bool", default=False),
                    Column("staff", "text"),
                ),
            ),
            Layer(
                "households",
                ("point",),
                (
                    _id("household_id"),
                    Column("households", "count", required=True, minimum=0),
                    Column("persons", "number", minimum=0),
                    _people("elderly"),
                    _people("children"),
                    _people("disabled"),
                    _people("low_income"),
                    Column("estimated", "bool", default=False),
                ),
            ),
            Layer(
                "stations",
                ("point",),
                (
                    _id("station_id"),
                    Column("name", "text"),
                    Column("station_kind", "text"),
                    Column("level", "text"),
                    Column("services", "text"),
                    Column("capacity", "number", minimum=0),
                    Column("service_radius_m", "number", minimum=0),
                    Column("hours", "text"),
                    Column("open", "bool", default=True),
                    Column("body", "text"),
                    Column("estimated", "bool", default=False),
                    Column("source", "text"),
                ),
            ),
            Layer(
                "enterprises",
                ("point",),
                (
                    _id("enterprise_id"),
                    Column("name", "text"),
                    Column("enterprise_kind", "text"),
                    Column("grid_id", "text"),
                    *_ORIGIN,
                ),
                placed=False,
                since=2,
            ),
            Layer(
                "people",
                ("point",),
                (
                    _id("person_id"),
                    Column("role", "text", required=True),
                    Column("kinds", "text"),
                    Column("capacity", "number", minimum=0),
                    Column("time", "text", allowed=TIMES),
                    Column("level", "text"),
                    Column("unit_id", "text"),
                    Column("grid_id", "text"),
                    Column("station_id", "text"),
                    Column("household_id", "text"),
                    *_ORIGIN,
                    _personal("name"),
                    _personal("phone"),
                ),
                placed=False,
                since=2,
            ),
            Layer(
                "needs",
                ("point",),
                (
                    _id("need_id"),
                    Column("need_kind", "text", required=True),
                    Column("group", "text"),
                    Column("status", "text", default="open", allowed=NEED_STATES),
                    Column("amount", "count", default=1, minimum=0),
                    Column("date", "date"),
                    Column("met_date", "date"),
                    Column("unit_id", "text"),
                    Column("household_id", "text"),
                    Column("person_id", "text"),
                    *_ORIGIN,
                    _personal("name"),
                    _personal("phone"),
                    _personal("note"),
                ),
                placed=False,
                since=2,
            ),
            Layer(
                "visits",
                (),
                (
                    _id("visit_id"),
                    Column("date", "date", required=True),
                    Column("household_id", "text"),
                    Column("door", "text"),
                    Column("households", "count", default=1, minimum=0),
                    Column("enterprise_id", "text"),
                    Column("person_id", "text"),
                    *_ORIGIN,
                    _personal("name"),
                    _personal("phone"),
                    _personal("note"),
                ),
                since=2,
            ),
            Layer(
                "zonings",
                (),
                (
                    _id("zoning"),
                    Column("block_id", "text", required=True),
                    Column("zone_id", "text", required=True),
                    Column("zone_name", "text"),
                    *_ORIGIN,
                ),
                key=("zoning", "block_id"),
                since=2,
            ),
        )
    }
)
"""The layers of a plan by name, in the order they are written. See design.md §2; `buildings`, `landuse` and `places`
are the map's ground and the source of footprints, compounds and real public points."""
