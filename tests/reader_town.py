"""A made square of a town, small enough to check by hand, for the tests of what comes in from files."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

CRS = 4548
X0, Y0 = 442000.0, 4429000.0
SIDE = 1000.0


def district():
    return gpd.GeoDataFrame({"名称": ["甲"]}, geometry=[shapely.box(X0, Y0, X0 + SIDE, Y0 + SIDE)], crs=CRS)


def streets():
    """Eleven streets each way, 100 m apart, with a vertex at every crossing."""
    at = np.arange(0, SIDE + 1, 100.0)
    lines = [shapely.LineString([(X0 + x, Y0 + y) for y in at]) for x in at]
    lines += [shapely.LineString([(X0 + x, Y0 + y) for x in at]) for y in at]
    columns = {"street_id": [f"s{i}" for i in range(len(lines))], "highway": "residential"}
    return gpd.GeoDataFrame(columns, geometry=lines, crs=CRS)


def degrees(x, y):
    """Return longitudes and latitudes of places so many metres from the square's corner."""
    return Transformer.from_crs(CRS, 4490, always_xy=True).transform(X0 + np.asarray(x), Y0 + np.asarray(y))


def households(**columns):
    """Three houses as a table of an office, with further columns, or others in the place of these."""
    lon, lat = degrees([150.0, 350, 550], [130.0] * 3)
    return pd.DataFrame({"编号": ["a", "b", "c"], "户数": [3, 4, 5], "经度": lon, "纬度": lat, **columns})
