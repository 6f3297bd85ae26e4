"""Reading OpenStreetMap files, on drawings small enough to check by hand and on the two bundled extracts."""

from __future__ import annotations

import subprocess
import sys

import geopandas as gpd
import numpy as np
import osmium
import pytest
import shapely

from gridgeo.errors import CRSError, FileError, InputError
from gridgeo.readers import bounded, bundled_places, bundled_plan_path, read_osm
from gridgeo.readers import osm_tags as tags
from gridgeo.readers.walkable import is_open, is_walkable, street_class
from gridgeo.schema import check_layer
from gridgeo.texts import using_language

pytestmark = pytest.mark.usefixtures("quick_readers")
LON, LAT = 116.3, 40.0


def osm_file(path, *items):
    """Write a small OSM XML file: ('node', id, east, north, tags), ('way', id, nodes, tags), ('relation', …)."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6">']
    for kind, number, *rest in items:
        said = rest[-1]
        tag_lines = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in said.items())
        if kind == "node":
            # About a ten-thousandth of a degree a step: 8.5 m east, 11.1 m north.
            at = f'lat="{LAT + rest[1] * 1e-4:.7f}" lon="{LON + rest[0] * 1e-4:.7f}"'
            lines.append(f'<node id="{number}" version="1" {at}>{tag_lines}</node>')
        elif kind == "way":
            refs = "".join(f'<nd ref="{ref}"/>' for ref in rest[0])
            lines.append(f'<way id="{number}" version="1">{refs}{tag_lines}</way>')
        else:
            members = "".join(f'<member type="way" ref="{ref}" role="{role}"/>' for ref, role in rest[0])
            lines.append(f'<relation id="{number}" version="1">{members}{tag_lines}</relation>')
    path.write_text("\n".join([*lines, "</osm>"]), encoding="utf-8")
    return path


def square(first, east, north, size):
    """Four nodes of a square."""
    corners = [(0, 0), (size, 0), (size, size), (0, size)]
    return [("node", first + i, east + x, north + y, {}) for i, (x, y) in enumerate(corners)]


def ring(first):
    return [first, first + 1, first + 2, first + 3, first]


@pytest.fixture
def town(tmp_path):
    """Two streets that cross at node 3, a gate on one, a footbridge, a wall, a pond with an island, buildings."""
    return osm_file(
        tmp_path / "town.osm",
        ("node", 1, 0, 0, {}),
        ("node", 2, 10, 0, {"barrier": "gate", "access": "private"}),
        ("node", 3, 20, 0, {}),
        ("node", 4, 20, 30, {"barrier": "bollard"}),
        ("node", 5, 20, -30, {}),
        ("node", 6, 5, 5, {"amenity": "police", "name": "Police", "name:zh": "派出所"}),
        ("way", 10, [1, 2, 3], {"highway": "residential", "name": "北街"}),
        ("way", 11, [4, 3, 5], {"highway": "footway", "bridge": "yes", "layer": "1"}),
        ("way", 12, [1, 4], {"highway": "motorway"}),
        ("way", 13, [1, 4], {"highway": "motorway", "bridge": "yes"}),
        ("way", 14, [1, 5], {"highway": "proposed"}),
        ("way", 15, [1, 5], {"barrier": "wall"}),
        ("way", 16, [1, 1], {"highway": "service"}),
        *square(100, 40, 40, 10),
        *square(110, 43, 43, 4),
        ("way", 20, ring(100), {}),
        ("way", 21, ring(110), {}),
        ("relation", 30, [(20, "outer"), (21, "inner")], {"type": "multipolygon", "natural": "water", "name": "湖"}),
        *square(120, 60, 0, 2),
        ("way", 22, ring(120), {"building": "apartments", "building:levels": "5;6", "name": "1号楼"}),
        *square(130, 70, 0, 2),
        ("way", 23, ring(130), {"building": "yes", "height": "约30 m"}),
        *square(140, 80, 0, 9),
        ("way", 24, ring(140), {"landuse": "residential", "name": "南苑", "barrier": "fence"}),
    )


def test_reads_every_layer_with_stable_ids_and_chinese_names(town):
    osm = read_osm(town)
    assert osm.crs.to_epsg() == 4548
    assert list(osm.streets["street_id"]) == ["way/10", "way/11", "way/12", "way/13"]
    assert list(osm.streets["walkable"]) == [True, True, False, False]
    assert list(osm.streets["bridge"]) == [False, True, False, True]
    assert list(osm.streets["layer"]) == [0, 1, 0, 0]
    assert dict(osm.barriers[["barrier_id", "barrier_kind"]].to_numpy()) == {
        "way/12": "expressway",
        "way/15": "wall",
        "way/24": "wall",
        "relation/30": "water",
    }
    assert list(osm.gates["gate_id"]) == ["node/2"]
    assert list(osm.gates["open"]) == [False]
    assert list(osm.buildings["levels"]) == [5.5, 10.0]
    assert list(osm.buildings["estimated"]) == [False, True]
    assert list(osm.landuse["name"]) == ["南苑"]
    assert list(osm.places["name"]) == ["派出所"]
    for name, layer in osm.layers().items():
        assert check_layer(name, layer) == []


def test_streets_share_the_very_same_vertex(town):
    streets = read_osm(town).streets.set_index("street_id").geometry
    first, second = streets["way/10"], streets["way/11"]
    assert first.coords[-1] == second.coords[1]


def test_a_multipolygon_keeps_its_hole(town):
    water = read_osm(town).barriers.set_index("barrier_id").geometry["relation/30"]
    assert len(water.interiors) == 1
    assert water.area == pytest.approx((100 - 16) * 8.53 * 11.1, rel=0.01)


def test_missing_nodes_leave_a_gap_and_no_made_up_street(tmp_path):
    path = osm_file(
        tmp_path / "cut.osm",
        *[("node", i, i, 0, {}) for i in (1, 2, 5, 6)],
        ("way", 10, [1, 2, 3, 4, 5, 6], {"highway": "path"}),
        ("way", 11, [2, 3], {"highway": "path"}),
    )
    streets = read_osm(path).streets
    assert list(streets["street_id"]) == ["way/10"]
    assert len(streets.geometry.iloc[0].geoms) == 2


def test_boundary_and_margin_bound_what_is_read(town):
    box = gpd.GeoSeries([shapely.box(LON + 0.0059, LAT - 0.0001, LON + 0.0063, LAT + 0.0003)], crs=4326)
    near = read_osm(town, boundary=box, margin_m=0)
    assert list(near.buildings["building_id"]) == ["way/22"]
    assert len(near.streets) == 0
    wide = read_osm(town, boundary=box, margin_m=1000)
    assert len(wide.buildings) == 2
    assert len(wide.streets) == 4


def test_a_wanted_system_is_kept(town):
    assert read_osm(town, crs=32650).streets.crs.to_epsg() == 32650


def test_pbf_and_xml_of_the_same_data_agree(town, tmp_path):
    packed = tmp_path / "town.osm.pbf"
    with osmium.SimpleWriter(str(packed)) as writer:
        for item in osmium.FileProcessor(str(town)):
            writer.add(item)
    one, two = read_osm(town), read_osm(packed.rename(tmp_path / "misnamed.dat"))
    for name, layer in one.layers().items():
        assert layer.equals(two.layers()[name])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"hello", "neither"),
        (b"PK\x03\x04 zip", "zip is damaged"),
        (b'<?xml version="1.0"?><osm version="0.6"><node id="1"', "cannot be read"),
        (b'<?xml version="1.0"?><osm version="0.6"></osm>', "no street"),
        (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><osm version="0.6"></osm>', "entity"),
        (b'<OGRVRTDataSource><OGRVRTLayer name="a"/></OGRVRTDataSource>', "neither"),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path, monkeypatch, content, words):
    monkeypatch.setenv("GRIDGEO_LANG", "en")
    path = tmp_path / "x.osm"
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_osm(path)
    assert words in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_pbf_cut_short_is_an_error_not_half_a_town(tmp_path):
    whole = bundled_plan_path("nanshan").with_name("nanshan.osm.pbf").read_bytes()
    for part in (0.2, 0.5, 0.99):
        path = tmp_path / "cut.osm.pbf"
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(FileError):
            read_osm(path)


def english(path):
    with using_language("en"), pytest.raises(FileError) as caught:
        read_osm(path)
    with using_language("en"):
        return str(caught.value)


@pytest.mark.parametrize("tags", [{"highway": "residential"}, {"building": "yes"}])
def test_a_node_at_no_place_on_earth_is_named_and_not_left_out(tmp_path, tags):
    nodes = [("node", i, i, i % 2, {}) for i in (1, 2, 3)]
    path = osm_file(tmp_path / "x.osm", *nodes, ("node", 4, 0, 550_000, {}), ("way", 10, [1, 2, 3, 4, 1], tags))
    assert "node 4 lies at no place on earth (116.3, 95)" in english(path)


def test_a_way_of_too_many_nodes_is_named(tmp_path):
    nodes = [("node", i, i, 0, {}) for i in (1, 2)]
    path = osm_file(tmp_path / "x.osm", *nodes, ("way", 10, [1, 2] * 60_000, {"highway": "path"}))
    assert "way 10 has 120000 nodes" in english(path)


def test_an_extract_is_read_by_a_child_with_limits_of_time_and_memory(town, monkeypatch):
    with using_language("en"):
        monkeypatch.setattr(bounded, "start_child", lambda *_: 3)
        assert "memory" in english(town)
        monkeypatch.setattr(bounded, "start_child", lambda *_: -11)
        assert "broke the reader" in english(town)
    said = "import sys, gridgeo.readers.osm as o; print(len(o.read_osm(sys.argv[1]).streets), 'osmium' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", said, str(town)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["4", "False"]


def test_a_reader_that_takes_too_long_is_ended_and_said(town):
    with using_language("en"), pytest.raises(FileError) as caught:
        bounded.read_osm_tables(town, timeout_s=0.0)
    assert "took longer" in caught.value.values["detail"]


def test_streets_that_lack_nodes_are_counted(tmp_path):
    nodes = [("node", i, i, 0, {}) for i in (1, 2, 5)]
    ways = [("way", 10, [1, 2, 3], {"highway": "path"}), ("way", 11, [2, 5], {"highway": "path"})]
    osm = read_osm(osm_file(tmp_path / "cut.osm", *nodes, *ways))
    assert (len(osm.streets), osm.cut) == (2, 1)


def test_a_refusal_speaks_the_language_of_who_asked(tmp_path):
    path = osm_file(tmp_path / "x.osm", ("node", 1, 0, 550_000, {"barrier": "gate"}))
    with using_language("zh"), pytest.raises(FileError) as caught:
        read_osm(path)
    assert "不在地球上" in caught.value.values["detail"]


def test_bad_parameters_are_named(town, tmp_path):
    with pytest.raises(FileError):
        read_osm(tmp_path / "none.osm")
    empty = gpd.GeoSeries([shapely.Polygon()], crs=4326)
    with pytest.raises(InputError):
        read_osm(town, boundary=gpd.GeoSeries([shapely.box(LON, LAT, LON + 1, LAT + 1)], crs=4326), margin_m=np.nan)
    with pytest.raises(InputError):
        read_osm(town, boundary=empty.set_crs(32650, allow_override=True))
    with pytest.raises(CRSError):
        read_osm(town, boundary=gpd.GeoSeries([shapely.box(LON, LAT, LON + 1, LAT + 1)]))
    with pytest.raises(CRSError):
        read_osm(town, crs=4326)


@pytest.mark.parametrize(
    ("said", "walkable"),
    [
        ({"highway": "residential"}, True),
        ({"highway": "steps"}, True),
        ({"highway": "motorway"}, False),
        ({"highway": "motorway_link", "foot": "yes"}, True),
        ({"highway": "trunk"}, False),
        ({"highway": "trunk", "sidewalk": "both"}, True),
        ({"highway": "trunk", "sidewalk:left": "yes"}, True),
        ({"highway": "trunk", "sidewalk": "no"}, False),
        ({"highway": "primary", "motorroad": "yes"}, False),
        ({"highway": "primary", "motorroad": "no"}, True),
        ({"highway": "cycleway"}, False),
        ({"highway": "cycleway", "foot": "designated"}, True),
        ({"highway": "footway", "access": "private"}, False),
        ({"highway": "footway", "access": "private", "foot": "permissive"}, True),
        ({"highway": "service", "access": "bus"}, False),
        ({"highway": "service", "access": "destination"}, True),
        ({"highway": "residential", "foot": "no"}, False),
        ({"highway": "residential", "foot": "use_sidepath"}, False),
        ({"highway": "construction", "foot": "yes"}, False),
        ({"highway": "proposed"}, False),
        ({"highway": "busway"}, False),
        ({}, False),
    ],
)
def test_who_may_walk_where(said, walkable):
    assert is_walkable(said) is walkable


def test_street_classes():
    assert street_class({"highway": "steps;footway"}) == "steps"
    assert street_class({"highway": "something new"}) == "road"
    assert street_class({"highway": "construction"}) is None
    assert street_class({"highway": "bus_guideway"}) == "busway"


@pytest.mark.parametrize(
    ("said", "passable"),
    [
        ({"barrier": "gate"}, True),
        ({"barrier": "gate", "access": "private"}, False),
        ({"barrier": "gate", "access": "private", "foot": "yes"}, True),
        ({"barrier": "gate", "locked": "yes"}, False),
        ({"barrier": "entrance", "foot": "no"}, False),
        ({"barrier": "lift_gate", "access": "private"}, True),
        ({"barrier": "lift_gate", "foot": "private"}, False),
    ],
)
def test_which_gates_are_open(said, passable):
    assert is_open(said) is passable


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("6", 6),
        ("６", 6),
        ("约6", 6),
        ("5;6", 5.5),
        ("5-7", 6),
        ("12 m", 12),
        ("-1", -1),
        ("1.5", 1.5),
        ("地上12层", 12),
    ]
    + [(value, None) for value in ("", None, "三", "-", "yes", "NaN", "inf")],
)
def test_numbers_as_people_type_them(value, number):
    assert tags.parse_number(value) == number


def test_levels_out_of_reason_are_unknown():
    assert tags.levels_of({"building:levels": "0"}) == (None, False)
    assert tags.levels_of({"building:levels": "99999"}) == (None, False)
    assert tags.levels_of({"building:levels": "x", "height": "10"}) == (3.0, True)


def test_what_is_below_or_above_ground_is_no_barrier():
    assert tags.line_barrier({"railway": "rail"}) == "railway"
    assert tags.line_barrier({"railway": "subway", "tunnel": "yes"}) is None
    assert tags.line_barrier({"railway": "subway", "location": "underground"}) is None
    assert tags.line_barrier({"railway": "light_rail", "bridge": "viaduct"}) is None
    assert tags.line_barrier({"waterway": "river"}) == "water"
    assert tags.line_barrier({"waterway": "canal", "tunnel": "culvert"}) is None
    assert tags.line_barrier({"highway": "trunk", "foot": "yes"}) is None
    assert not tags.is_water_area({"natural": "water", "water": "fountain"})


@pytest.mark.parametrize("place", bundled_places())
def test_bundled_extracts_read_without_a_fault(place):
    osm = read_osm(bundled_plan_path(place).with_name(f"{place}.osm.pbf"))
    for name, layer in osm.layers().items():
        assert check_layer(name, layer) == []
        assert len(layer)
