"""One household's walk on the map, beside the straight line that paper plans measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.maps import palette
from gridgeo.maps.features import Field, Look, MapLayer, both, encode_geometry, to_degrees
from gridgeo.plan import Plan

if TYPE_CHECKING:
    from gridgeo.coverage import Walk

_KINDS = ("walk_street", "walk_leg", "straight")
_STYLES = (palette.WALK, palette.WALK_LEG, palette.STRAIGHT)


def walk_layer(plan: Plan, walk: Walk) -> MapLayer | None:
    """Make the layer of a household's walk.

    Parameters
    ----------
    plan : Plan
        The plan that was walked in.
    walk : Walk
        What `gridgeo.trace_walk` returned.

    Returns
    -------
    MapLayer or None
        The streets walked, the way to and from them, and the straight line to the nearest station; None where there
        is neither walk nor station.
    """
    shapes, looks, names = list(walk.parts.geometry), [0 if part == "street" else 1 for part in walk.parts["part"]], []
    names += [name if isinstance(name, str) else None for name in walk.parts["name"]]
    metres = walk.parts["walk_m"].tolist()
    nearest = plan.stations[(plan.stations["station_id"] == walk.nearest_id).to_numpy()]
    home = plan.households[(plan.households["household_id"] == walk.household_id).to_numpy()]
    if len(nearest) and len(home):
        shapes.append(shapely.LineString([home.geometry.iloc[0], nearest.geometry.iloc[0]]))
        looks.append(2)
        names.append(None)
        metres.append(float(shapes[-1].length))
    if not shapes:
        return None
    present, look_of = np.unique(looks, return_inverse=True)
    return MapLayer(
        layer_id="walk",
        name=both("layer.walk"),
        group="results",
        kind="lines",
        geometry=encode_geometry(to_degrees(gpd.GeoSeries(shapes, crs=plan.crs))),
        looks=tuple(Look(name=both(f"class.{_KINDS[each]}"), style=_STYLES[each]) for each in present),
        look_of=look_of.tolist(),
        titles=names,
        fields=(Field(name=both("field.distance"), values=metres, unit=both("unit.metres")),),
    )
