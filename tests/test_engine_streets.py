"""The quick pass over a file's streets reads what the full pass reads."""

import pandas as pd
import pytest

from gridgeo.errors import GridgeoError
from gridgeo.readers import bundled_plan_path, read_osm
from gridgeo.readers.osm import read_osm_streets

pytestmark = pytest.mark.usefixtures("quick_readers")


@pytest.mark.parametrize("place", ["qinghuayuan", "nanshan"])
def test_streets_alone_are_those_of_the_whole_file(place):
    extract = next(bundled_plan_path(place).parent.glob("*.osm.pbf"))
    whole = read_osm(extract)
    alone = read_osm_streets(extract, crs=whole.crs)
    pd.testing.assert_frame_equal(alone.drop(columns="geometry"), whole.streets.drop(columns="geometry"))
    assert alone.geometry.geom_equals_identical(whole.streets.geometry).all()


def test_a_file_without_streets_is_refused(tmp_path):
    bare = tmp_path / "bare.osm"
    bare.write_text("<?xml version='1.0'?><osm version='0.6'><node id='1' lat='0' lon='0'/></osm>", encoding="utf-8")
    for path in (bare, tmp_path / "none.osm.pbf"):
        with pytest.raises(GridgeoError):
            read_osm_streets(path)
