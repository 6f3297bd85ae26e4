"""What lies under the results: land, buildings, streets, barriers, and the lines of the administration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.maps import palette
from gridgeo.maps.features import Field, Look, MapLayer, Words, both, encode_geometry, place_labels, to_degrees
from gridgeo.plan import Plan

_EXPRESSWAYS = ("motorway", "motorway_link", "trunk", "trunk_link")
_MAIN = ("primary", "primary_link", "secondary", "secondary_link", "tertiary", "tertiary_link")
_FOOT = ("footway", "path", "steps", "cycleway", "bridleway", "corridor", "pedestrian", "elevator", "platform", "track")
_GREEN_LAND = (
    "forest", "grass", "park", "garden", "meadow", "wood", "recreation_ground", "village_green", "orchard", "scrub",
    "pitch", "golf_course", "cemetery", "flowerbed",
)  # fmt: skip
_WATER_LAND = ("water", "reservoir", "basin", "wetland", "pond", "river", "lake")
_HOMES = ("residential", "apartments", "dormitory", "house", "detached", "terrace", "semidetached_house", "bungalow")


def ground_layers(plan: Plan) -> list[MapLayer]:
    """Make the base map of a plan: no tiles, only what the plan itself holds.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    list of MapLayer
        Land use, buildings, streets and barriers, those that have features, bottom first.
    """
    landuse = plan.landuse.sort_values("landuse_kind", key=lambda kind: kind.map(_land_look), ascending=False)
    buildings, streets, barriers = plan.buildings, _strongest_last(plan.streets), plan.barriers
    made = [
        _classed("landuse", landuse, landuse["landuse_kind"].map(_land_look), _LAND, "polygons", hover=False),
        _classed("buildings", buildings, _building_looks(plan), _BUILDINGS, "polygons", fields=_building_fields(plan)),
        _classed("streets", streets, streets["street_class"].map(_street_look), _STREETS, "lines", hover=False),
        _classed("barriers", _as_lines(barriers), barriers["barrier_kind"].map(_barrier_look), _BARRIERS, "lines"),
    ]
    return [layer for layer in made if layer is not None]


AREAS = ("blocks", "grids", "communities", "district")


def area_layers(plan: Plan, *, only: Sequence[str] = AREAS) -> list[MapLayer]:
    """Make the lines of the administration: blocks, grids, communities and the district.

    Parameters
    ----------
    plan : Plan
        The plan.
    only : sequence of str
        Some of `AREAS`.

    Returns
    -------
    list of MapLayer
        Those that have features, bottom first.
    """
    makers = dict(zip(AREAS, (_blocks, _grids, _communities, _district), strict=True))
    made = [makers[name](plan) for name in AREAS if name in only]
    return [layer for layer in made if layer is not None]


def names_of(frame: pd.DataFrame, id_column: str) -> list[str]:
    """Give each row its name, or its code or identifier where it has none.

    Parameters
    ----------
    frame : DataFrame
        A layer, perhaps with ``name`` and ``code``.
    id_column : str
        Its identifier.

    Returns
    -------
    list of str
        One name a row.
    """
    columns = [frame[column].tolist() for column in ("name", "code", id_column) if column in frame]
    return [
        str(next((cell for cell in cells[:-1] if _is_said(cell)), cells[-1])) for cells in zip(*columns, strict=True)
    ]


def _is_said(cell: object) -> bool:
    return cell is not None and cell == cell and cell != ""  # noqa: PLR0124 - no number is unlike itself


_LAND = ("green", "water", "residential", "other_land")
_BUILDINGS = ("home", "other_building")
_STREETS = ("expressway", "main_street", "minor_street", "footway")
_BARRIERS = ("railway", "wall", "water", "expressway_barrier")


def _land_look(kind: object) -> int:
    if kind in _GREEN_LAND:
        return 0
    if kind in _WATER_LAND:
        return 1
    return 2 if kind == "residential" else 3


def _street_look(street_class: str) -> int:
    for look, classes in enumerate((_EXPRESSWAYS, _MAIN)):
        if street_class in classes:
            return look
    return 3 if street_class in _FOOT else 2


def _barrier_look(kind: str) -> int:
    return {"railway": 0, "wall": 1, "water": 2}.get(kind, 3)


def _strongest_last(streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Order streets so that main ones are drawn over side streets, and upper levels over lower ones."""
    look = streets["street_class"].map(_street_look)
    return streets.assign(_look=look).sort_values(["layer", "_look"], ascending=[True, False], kind="stable")


def _as_lines(barriers: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Show an area that cannot be crossed by its edge: its ground is in the land use already."""
    polygons = barriers.geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    return barriers.set_geometry(barriers.geometry.where(~polygons, barriers.geometry.boundary))


def _building_looks(plan: Plan) -> pd.Series:
    looks: pd.Series = plan.buildings["building_kind"].isin(_HOMES).map({True: 0, False: 1})
    return looks


def _building_fields(plan: Plan) -> tuple[Field, ...]:
    return (
        Field(name=both("field.levels"), values=plan.buildings["levels"]),
        Field(name=both("field.estimated"), values=plan.buildings["estimated"].where(plan.buildings["estimated"])),
    )


def _classed(
    name: str,
    frame: gpd.GeoDataFrame,
    looks: Sequence[int] | pd.Series,
    kinds: tuple[str, ...],
    kind: str,
    *,
    fields: tuple[Field, ...] = (),
    hover: bool = True,
) -> MapLayer | None:
    """Make a layer whose features fall into classes; only classes that occur are in the legend."""
    if len(frame) == 0:
        return None
    codes = np.asarray(looks, dtype=int)
    present, look_of = np.unique(codes, return_inverse=True)
    return MapLayer(
        layer_id=name,
        name=both(f"layer.{name}"),
        group="ground",
        kind=kind,  # type: ignore[arg-type]
        geometry=encode_geometry(to_degrees(frame)),
        looks=tuple(_ground_look(kinds[code]) for code in present),
        look_of=look_of.tolist(),
        titles=frame.get("name"),
        fields=fields,
        estimated=False,
        hover=hover,
    )


def _ground_look(kind: str) -> Look:
    return Look(name=both(f"class.{kind}"), style=palette.GROUND[kind])


def _district(plan: Plan) -> MapLayer | None:
    if len(plan.units) == 0:
        return None
    district = gpd.GeoSeries([plan.district], crs=plan.crs)
    level = plan.info.levels[0].name
    name = both("layer.district", level={"zh": level.zh, "en": level.en})
    return MapLayer(
        layer_id="district",
        name=name,
        group="areas",
        kind="polygons",
        geometry=encode_geometry(to_degrees(district)),
        looks=(Look(name=name, style=palette.DISTRICT),),
        look_of=[0],
        hover=False,
    )


def _blocks(plan: Plan) -> MapLayer | None:
    blocks = plan.blocks
    counts = plan.households.groupby("block_id")["households"].sum()
    return _outlined(
        "blocks",
        blocks,
        palette.BLOCK,
        titles=blocks["block_id"],
        shown=False,
        fields=(
            Field(name=both("field.grid"), values=_named(blocks["grid_id"], plan.grids, "grid_id")),
            Field(name=both("field.community"), values=_named(blocks["community_id"], plan.units, "unit_id")),
            Field(
                name=both("field.households"),
                values=blocks["block_id"].map(counts).fillna(0),
                estimated=bool(plan.households["estimated"].any()),
            ),
        ),
    )


def _communities(plan: Plan) -> MapLayer | None:
    levels = [level.level for level in plan.info.levels]
    communities = plan.units[plan.units["level"] == levels[-2]] if len(levels) > 1 else plan.units[:0]
    if len(levels) > 1 and levels[-2] == levels[0]:
        return None
    names = names_of(communities, "unit_id")
    estimated = bool(communities["estimated"].any())
    level = plan.info.levels[-2].name
    return _outlined(
        "communities",
        communities,
        palette.COMMUNITY,
        titles=names,
        labels=names,
        label_style={"colour": "#00634a", "size": 15, "weight": 700, "rank": 1},
        fields=(
            Field(name=both("field.code"), values=communities["code"]),
            Field(
                name=both("field.persons"),
                values=communities["population"],
                estimated=estimated,
            ),
        ),
        estimated=estimated,
        name={"zh": level.zh, "en": level.en.capitalize()},
    )


def _grids(plan: Plan) -> MapLayer | None:
    grids = plan.grids
    names = names_of(grids, "grid_id")
    counts = plan.households.groupby("grid_id")["households"].sum()
    community = _named(grids["community_id"], plan.units, "unit_id")
    kinds = {kind: both(f"grid_kind.{kind}") for kind in ("general", "dedicated")}
    return _outlined(
        "grids",
        grids,
        palette.GRID,
        titles=names,
        labels=short_names(names, community),
        label_style={"colour": "#43256f", "size": 13, "weight": 600, "rank": 2},
        fitted=True,
        fields=(
            Field(name=both("field.code"), values=grids["code"]),
            Field(name=both("field.kind"), values=grids["grid_kind"], codes=kinds),
            Field(name=both("field.community"), values=community),
            Field(
                name=both("field.households"),
                values=grids["grid_id"].map(counts).fillna(0),
                estimated=bool(plan.households["estimated"].any()),
            ),
            Field(name=both("field.staff"), values=grids["staff"]),
            *_bounds(grids),
        ),
    )


def _bounds(grids: gpd.GeoDataFrame) -> list[Field]:
    """Name the streets that bound each grid (四至), where the plan says them."""
    if not {"bounds_zh", "bounds_en"} <= set(grids.columns):
        return []
    said = grids.loc[grids["bounds_zh"].fillna("") != "", ["bounds_zh", "bounds_en"]]
    codes = {zh: {"zh": zh, "en": en or zh} for zh, en in said.itertuples(index=False)}
    return [Field(name=both("field.bounds"), values=grids["bounds_zh"], codes=codes)] if codes else []


def _outlined(
    layer_id: str,
    areas: gpd.GeoDataFrame,
    style: Mapping[str, object],
    *,
    titles: Sequence[str] | pd.Series,
    fields: tuple[Field, ...],
    labels: Sequence[str] | None = None,
    label_style: Mapping[str, object] | None = None,
    shown: bool = True,
    estimated: bool = False,
    fitted: bool = False,
    name: Words | None = None,
) -> MapLayer | None:
    if len(areas) == 0:
        return None
    places, room = place_labels(areas) if labels else (None, None)
    return MapLayer(
        layer_id=layer_id,
        name=name or both(f"layer.{layer_id}"),
        group="areas",
        kind="polygons",
        geometry=encode_geometry(to_degrees(areas)),
        looks=(Look(name=name or both(f"layer.{layer_id}"), style=style),),
        look_of=[0] * len(areas),
        titles=titles,
        labels=labels,
        label_at=places,
        label_room=room if fitted else None,
        label_style=label_style or {},
        fields=fields,
        shown=shown,
        estimated=estimated,
    )


def short_names(names: list[str], communities: pd.Series) -> list[str]:
    """Leave out the community's name where a grid's begins with it: on the map it stands there already.

    Parameters
    ----------
    names : list of str
        The grids' names.
    communities : Series of str
        The name of each grid's community.

    Returns
    -------
    list of str
        One name a grid.
    """
    pairs = zip(names, communities.fillna("").astype("str"), strict=True)
    return [name.removeprefix(community).strip() or name for name, community in pairs]


def _named(ids: pd.Series, frame: pd.DataFrame, id_column: str) -> pd.Series:
    """Put names in the place of identifiers; an identifier nobody names stays as it is."""
    names = dict(zip(frame[id_column], names_of(frame, id_column), strict=True))
    named: pd.Series = ids.map(names)
    return named.where(named.notna(), ids)
