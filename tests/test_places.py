"""The bundled places: built from the raw files beside them, honest about what is estimated."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from gridgeo.errors import InputError
from gridgeo.plan import check_plan
from gridgeo.readers import bundled_places, bundled_plan_path
from gridgeo.store import read_plan
from gridgeo.texts import using_language

ROOT = Path(__file__).parents[1]


@pytest.fixture(params=bundled_places())
def place(request):
    return request.param


@pytest.fixture
def plan(place):
    return read_plan(bundled_plan_path(place))


def test_two_places_come_along_and_no_other():
    assert bundled_places() == ("qinghuayuan", "nanshan")
    with pytest.raises(InputError) as caught:
        bundled_plan_path("atlantis")
    with using_language("en"):
        assert str(caught.value) == "There is no bundled place atlantis; there are qinghuayuan, nanshan."


def test_the_plan_is_what_the_raw_files_give(place):
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "build_places.py", place], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{place}: as it was")


def test_small_and_complete(place, plan):
    assert bundled_plan_path(place).stat().st_size < 4e6
    plan.require("units", "streets", "barriers", "gates", "buildings", "landuse", "places", "households", "stations")
    assert len(plan.blocks) == len(plan.grids) == 0
    assert check_plan(plan) == []


def test_communities_cover_the_district_once(plan):
    communities = plan.units[plan.units["level"] == "community"].geometry.to_numpy()
    assert shapely.coverage_is_valid(communities)
    assert shapely.symmetric_difference(shapely.union_all(communities), plan.district).area < 1e-6
    assert abs(shapely.area(communities).sum() - plan.district.area) < 1e-6
    assert set(shapely.get_type_id(communities)) == {shapely.GeometryType.POLYGON}


def test_everything_worked_out_is_marked(plan):
    assert plan.units["estimated"].all()
    assert plan.units["source"].notna().all()
    assert plan.households["estimated"].all()
    assert plan.stations["source"].notna().all()
    real = plan.stations.loc[~plan.stations["estimated"], "name"]
    assert set(real) <= {"社区服务中心"}
    assert "OpenStreetMap" in plan.info.attribution
    for note in plan.info.notes:
        assert note.zh
        assert note.en
    words = " ".join(note.en for note in plan.info.notes).lower()
    for said in ("households", "estimated", "stations", "storeys", "elderly"):
        assert said in words


def test_nothing_about_people_is_invented(plan):
    assert (plan.households[["elderly", "children", "disabled", "low_income"]].to_numpy() == 0).all()


def test_qinghuayuan_adds_up_to_its_population():
    plan = read_plan(bundled_plan_path("qinghuayuan"))
    assert plan.households["persons"].sum() == 44166
    assert plan.households["households"].sum() == round(44166 / 2.31)
    assert len(plan.units) == 10
    codes = pd.read_csv(ROOT / "data/qinghuayuan/communities.csv", dtype="str").set_index("code")["name"]
    communities = plan.units[plan.units["level"] == "community"].set_index("code")["name"]
    assert (codes.str.removesuffix("居委会") == communities).all()
    # Every committee whose point is known stands in its own community.
    points = plan.stations[plan.stations["name"].str.endswith("居委会")]
    for point, name in zip(points.geometry, points["name"], strict=True):
        home = plan.units[plan.units["name"] == name.removesuffix("居委会")].geometry.iloc[0]
        assert home.covers(point)


def test_nanshan_says_that_persons_are_unknown():
    plan = read_plan(bundled_plan_path("nanshan"))
    assert plan.households["persons"].isna().all()
    assert plan.info.levels[1].name.en == "quarter"


def test_households_live_in_residential_buildings_of_the_district(plan):
    homes = plan.buildings.set_index("building_id").loc[plan.households["household_id"]]
    assert shapely.covers(homes.geometry.to_numpy(), plan.households.geometry.to_numpy()).all()
    assert set(homes["building_kind"]) <= {"residential", "apartments", "dormitory", "yes"}
    assert shapely.covers(plan.district, plan.households.geometry.to_numpy()).all()


def test_stations_stand_on_the_feature_they_name(plan):
    places = plan.places.set_index("place_id").geometry.to_dict()
    buildings = plan.buildings.set_index("building_id").geometry.to_dict()
    for station in plan.stations.itertuples():
        word = station.source.split()[1]
        if station.source.startswith("OSM"):
            shape = places[word] if word in places else buildings[word]
            assert shape.distance(station.geometry) == 0
        else:
            assert len(station.source.split()[0]) == 12


def test_streets_are_whole_ways_that_reach_beyond_the_border(plan):
    beyond = shapely.difference(plan.streets.geometry.to_numpy(), plan.district)
    assert shapely.length(beyond).sum() > 4000


def test_ground_is_shared_out_by_hand():
    """A street divides a 20 × 10 m district; three seeds, two of them on one side with no street between.

    ::

        +-----+-----+----------+
        |  a  :  b  |    c     |   ':' is cut midway between a (2.5) and b (7.5)
        +-----+-----+----------+
    """
    spec = importlib.util.spec_from_file_location("build_places", ROOT / "tools" / "build_places.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    street = np.array([shapely.LineString([(10, -5), (10, 15)])], dtype=object)
    seeds = [shapely.Point(2.5, 5), shapely.Point(7.5, 5), shapely.Point(11, 5)]
    areas = tool.share_ground(shapely.box(0, 0, 20, 10), street, seeds)
    assert [area.bounds for area in areas] == [(0, 0, 5, 10), (5, 0, 10, 10), (10, 0, 20, 10)]


def test_the_recipes_hold_no_estimate_without_a_note(place):
    said = tomllib.loads((ROOT / "data" / place / "place.toml").read_text(encoding="utf-8"))
    assert {"zh", "en"} == set(said["notes"][0])
    assert len({station["station_id"] for station in said["stations"]}) == len(said["stations"])
