"""The place that points of files are brought to, and compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
from pyproj import CRS

from gridgeo.readers.datum import Surroundings, survey_place


@dataclass(frozen=True)
class Ground:
    """The place that points are brought to.

    Parameters
    ----------
    crs : pyproj.CRS, optional
        Its metric system; None while the boundary itself is read.
    district : GeoSeries, optional
        Its area.
    streets, buildings : GeoDataFrame, optional
        What points are compared with.
    """

    crs: CRS | None = None
    district: gpd.GeoSeries | None = None
    streets: gpd.GeoDataFrame | None = None
    buildings: gpd.GeoDataFrame | None = None

    @cached_property
    def around(self) -> Surroundings | None:
        """What tells the datum of points, surveyed once for all files; None where there is nothing to compare with."""
        known = [layer for layer in (self.streets, self.buildings) if layer is not None and len(layer)]
        if self.district is None or not known:
            return None
        return survey_place(district=self.district, streets=self.streets, buildings=self.buildings)
