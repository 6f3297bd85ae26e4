"""Maps: what is drawn is what was computed, nothing is fetched, and no word of a user becomes markup."""

import base64
import json
import re

import folium
import geopandas as gpd
import numpy as np
import pytest
import shapely
from bundled import assess_place
from redraw_places import town

from gridgeo.crs import to_metric
from gridgeo.errors import FileError, MissingDataError
from gridgeo.maps import coverage_map, document, headline_figures, level_table, map_layers, write_map
from gridgeo.maps.document import WEB, embed
from gridgeo.maps.editing import colour_grids
from gridgeo.maps.features import encode_geometry, place_labels, to_degrees
from gridgeo.plan import Name, PlanInfo, make_plan
from gridgeo.readers import bundled_places
from gridgeo.redraw import apply_edit, make_edit
from gridgeo.redraw.ground import find_ground

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "`${alert(1)}`",
    "{{7*7}}{% endraw %}{# #}",
    "\"'&\\\u2028\u202e<!--",
)


@pytest.fixture(scope="module", params=bundled_places())
def found(request):
    return assess_place(request.param)


def page_of(found, **more):
    return coverage_map(found.plan, found.coverages, gaps=found.gaps, service_areas=found.service_areas, **more)


def unpack(encoded):
    return np.frombuffer(base64.b64decode(encoded["lonlat"]), dtype="<i4").reshape(-1, 2) / 1e7


def data_of(markup):
    """The JSON values that stand in a page."""
    decoder = json.JSONDecoder()
    layers = [decoder.raw_decode(markup, at.end())[0] for at in re.finditer(r"gridgeo\.layer\((?=\{)", markup)]
    start = re.search(r"gridgeo\.show\(\w+, \[[^\]]*\], ", markup)
    return layers, decoder.raw_decode(markup, start.end())[0]


class TestColours:
    def test_grids_that_come_to_touch_are_told_apart_and_others_keep_theirs(self):
        """G1 and G4 touch at a corner only, so one colour may serve both; then B11's edge joins them."""
        plan = town()
        colours = {"G1": 0, "G2": 1, "G3": 2, "G4": 0}
        assert colour_grids(plan, find_ground(plan), colours) == {"G1": 0, "G2": 1, "G3": 2, "G4": 0}
        plan = apply_edit(plan, make_edit("move_blocks", blocks=["B11"], to="G4")).plan
        drawn = colour_grids(plan, find_ground(plan), colours)
        assert (drawn["G2"], drawn["G3"], drawn["G4"]) == (1, 2, 0)
        assert drawn["G1"] not in (0, 1, 2)


class TestGeometry:
    def test_points_come_out_where_they_went_in(self):
        """WGS 84 → metres of the national zone → the page: within the centimetre the page counts in."""
        given = gpd.GeoDataFrame(geometry=gpd.points_from_xy([116.3215, 116.309], [40.0001, 39.9913]), crs=4326)
        metric = to_metric(given, 4548)
        found = unpack(encode_geometry(to_degrees(metric)))
        assert np.abs(found - shapely.get_coordinates(given.geometry)).max() <= 2e-7

    def test_parts_and_features_are_counted(self):
        """Two features: a square with a hole (2 rings), and two triangles (2 rings)."""
        holed = shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
        pair = shapely.MultiPolygon(
            [shapely.Polygon([(5, 0), (6, 0), (5, 1)]), shapely.Polygon([(7, 0), (8, 0), (7, 1)])]
        )
        encoded = encode_geometry(gpd.GeoSeries([holed, pair], crs=4326))
        assert encoded["features"] == [2, 2]
        assert encoded["parts"] == [5, 5, 4, 4]
        assert len(unpack(encoded)) == 18
        assert unpack(encoded)[5].tolist() == [1, 1]

    def test_lines_keep_their_order(self):
        lines = gpd.GeoSeries(
            [shapely.LineString([(0, 0), (1, 1)]), shapely.MultiLineString([[(2, 2), (3, 3), (4, 4)]])]
        )
        encoded = encode_geometry(lines.set_crs(4326))
        assert encoded["features"] == [1, 1]
        assert encoded["parts"] == [2, 3]
        assert unpack(encoded)[:, 0].tolist() == [0, 1, 2, 3, 4]

    def test_labels_stand_inside(self):
        """A U-shaped area's centroid lies outside it; its label must not."""
        u = shapely.Polygon([(0, 0), (90, 0), (90, 90), (70, 90), (70, 20), (20, 20), (20, 90), (0, 90)])
        areas = gpd.GeoDataFrame(geometry=[shapely.affinity.translate(u, 500000, 4400000)], crs=4548)
        assert not areas.geometry.iloc[0].covers(areas.geometry.iloc[0].centroid)
        [[lat, lon]], [room] = place_labels(areas)
        assert to_degrees(areas).iloc[0].covers(shapely.Point(lon, lat))
        assert room * 111_320 * np.cos(np.radians(lat)) == pytest.approx(12, abs=2)


class TestEscaping:
    @pytest.mark.parametrize("words", HOSTILE)
    def test_no_dangerous_character_is_left(self, words):
        written = embed({words: [words]})
        assert json.loads(written) == {words: [words]}
        assert not set("<>&'`$\u2028") & set(written)

    def test_endless_numbers_are_refused(self):
        with pytest.raises(ValueError, match="JSON"):
            embed([float("nan")])

    def test_our_scripts_never_make_markup_from_text(self):
        forbidden = r"(inner|outer)HTML|insertAdjacent|document\.write|\beval\(|new Function|bind(Popup|Tooltip)"
        for name in (*document.SCRIPTS, "component.js"):
            assert not re.search(forbidden, (WEB / name).read_text(encoding="utf-8"))


class TestPage:
    def test_is_a_folium_map_with_a_layer_for_each_layer(self, found):
        page = page_of(found)
        assert isinstance(page, folium.Map)
        drawn = [child.layer.layer_id for child in page._children.values() if isinstance(child, document.PlanLayer)]
        wanted = ["landuse", "buildings", "streets", "barriers", "service_areas", "blocks", "grids", "communities",
                  "district", "gaps", "households", "gates", "stations"]  # fmt: skip
        assert drawn == wanted

    def test_fetches_nothing(self, found, tmp_path):
        markup = write_map(page_of(found), tmp_path / "map.html").read_text(encoding="utf-8")
        assert not re.search(r"<(script|img|iframe|link|source|object|embed)[^>]*\b(src|href)\s*=", markup)
        assert not re.search(r"url\((?!data:|#)", markup)
        assert "default-src 'none'" in markup
        assert len(markup) < 2_500_000

    def test_draws_what_was_computed(self, found, tmp_path):
        markup = write_map(page_of(found), tmp_path / "map.html").read_text(encoding="utf-8")
        layers, frame = data_of(markup)
        layers = {layer["id"]: layer for layer in layers}
        households = layers["households"]
        assert len(unpack(households["geometry"])) == len(found.plan.households)
        names = [look["name"]["en"] for look in households["looks"]]
        drawn = np.array([names[look] for look in households["lookOf"]])
        near, far = (coverage.covered for coverage in found.coverages)
        assert (drawn == "Within 300 m on foot").tolist() == near.tolist()
        assert (drawn == "Within 500 m on foot").tolist() == (far & ~near).tolist()
        assert frame["attribution"] == found.plan.info.attribution
        assert len(frame["figures"]["notes"]) == len(found.plan.info.notes)
        assert len(layers["gaps"]["titles"]) == len(found.gaps)
        assert len(layers["grids"]["labels"]) == len(found.plan.grids)

    def test_estimates_are_marked(self, found):
        layers = {layer.layer_id: layer for layer in map_layers(found.plan, found.coverages, gaps=found.gaps)}
        assert layers["households"].estimated
        assert layers["stations"].estimated
        assert layers["gaps"].estimated
        assert layers["communities"].estimated
        assert all(figure["estimated"] for figure in headline_figures(found.plan, found.coverages, found.gaps))

    def test_opens_in_the_language_asked_for(self, found):
        assert page_of(found, lang="zh").frame["lang"] == "zh"
        assert page_of(found).frame["lang"] is None
        with pytest.raises(ValueError, match="lang"):
            page_of(found, lang="fr")

    def test_holds_every_text_in_both_languages(self, found):
        def both_or_none(value):
            if isinstance(value, dict):
                if {"zh", "en"} & value.keys():
                    assert {"zh", "en"} <= value.keys()
                    assert value["zh"]
                    assert value["en"]
                for inner in value.values():
                    both_or_none(inner)
            elif isinstance(value, list):
                for inner in value:
                    both_or_none(inner)

        page = page_of(found)
        both_or_none(page.frame)
        both_or_none([layer.data for layer in page.plan_layers])

    def test_renders_twice_alike(self, found):
        page = page_of(found)
        assert page.get_root().render() == page.get_root().render()

    def test_inputs_stay_as_they_were(self, found):
        before = {name: layer.copy() for name, layer in found.plan.layers().items()}
        page_of(found)
        for name, layer in found.plan.layers().items():
            assert layer.equals(before[name])

    def test_a_layer_s_version_tells_its_content(self, found):
        one, two = (map_layers(found.plan, found.coverages[:count]) for count in (1, 2))
        versions = [{layer.layer_id: layer.data["version"] for layer in layers} for layers in (one, two)]
        assert versions[0]["households"] != versions[1]["households"]
        assert versions[0]["buildings"] == versions[1]["buildings"]


class TestCircles:
    def test_paper_only_households_are_drawn_apart(self, found):
        coverage = found.coverages[0]
        layers = {layer.layer_id: layer for layer in map_layers(found.plan, [coverage], show="paper")}
        names = [look.name["en"] for look in layers["households"].looks]
        drawn = np.array([names[look] for look in layers["households"].look_of])
        reached = np.array([shapely.distance(found.plan.stations.geometry.to_numpy(), point).min() <= 300
                            for point in found.plan.households.geometry])  # fmt: skip
        paper = np.char.startswith(drawn, "Covered on paper only")
        assert paper.tolist() == (reached & ~coverage.covered).tolist()
        assert ((drawn == "Within 300 m on foot") == coverage.covered).all()

    def test_circles_have_the_radius_asked_for(self, found):
        layers = {
            layer.layer_id: layer for layer in map_layers(found.plan, found.coverages[:1], show="paper", radius_m=400)
        }
        circles = layers["circles"].geometry
        assert circles["features"] == [1] * len(found.plan.stations)
        ring = gpd.GeoSeries(
            gpd.points_from_xy(*unpack(circles)[: circles["parts"][0]].T), crs=found.plan.crs.geodetic_crs
        )
        away = ring.to_crs(found.plan.crs).distance(found.plan.stations.geometry.iloc[0])
        assert np.abs(away - 400).max() < 0.05

    def test_overlap_is_the_number_of_stations(self, found):
        layers = {layer.layer_id: layer for layer in map_layers(found.plan, found.coverages[1:], show="overlap")}
        counts = {"No station within reach": 0, "One station": 1, "Two stations": 2, "Three or more stations": 3}
        drawn = [counts[layers["households"].looks[look].name["en"]] for look in layers["households"].look_of]
        assert drawn == np.minimum(found.coverages[1].households["n_stations"], 3).tolist()


class TestHostileWords:
    def test_stand_in_the_page_as_text_only(self, hostile_plan, tmp_path):
        markup = write_map(coverage_map(hostile_plan), tmp_path / "map.html").read_text(encoding="utf-8")
        for words in HOSTILE[:3] + HOSTILE[4:]:
            assert words not in markup
        layers, frame = data_of(markup)
        titles = [title for layer in layers if layer["id"] == "stations" for title in layer["titles"]]
        assert titles == list(HOSTILE)
        assert frame["attribution"] == HOSTILE[0]


@pytest.fixture
def hostile_plan():
    """A square of 400 m with one station for each hostile word, named so in every text column."""
    count = len(HOSTILE)
    stations = gpd.GeoDataFrame(
        {
            "station_id": [f"s{number}" for number in range(count)],
            **{column: list(HOSTILE) for column in ("name", "station_kind", "services", "hours", "source")},
        },
        geometry=gpd.points_from_xy(500050 + 60 * np.arange(count), np.full(count, 4400100.0)),
        crs=4548,
    )
    units = gpd.GeoDataFrame(
        {"unit_id": ["u"], "name": [HOSTILE[1]], "level": ["subdistrict"]},
        geometry=[shapely.box(500000, 4400000, 500400, 4400400)],
        crs=4548,
    )
    info = PlanInfo(Name(HOSTILE[2], HOSTILE[3]), attribution=HOSTILE[0], notes=(Name(HOSTILE[0], HOSTILE[1]),))
    return make_plan(info, 4548, units=units, stations=stations)


class TestFigures:
    def test_tables_add_up_to_the_headline(self, found):
        total = int(found.plan.households["households"].sum())
        for level in ("community", "grid"):
            table = level_table(found.plan, found.coverages, level)
            assert table["households"].sum() == total
            for coverage in found.coverages:
                covered = (table["households"] * table[f"rate_{coverage.cutoff_m:g}"]).sum()
                assert covered == pytest.approx(coverage.summary()["covered"].iloc[0])

    def test_headline_gives_rates_over_all_households(self, found):
        figures = {figure["name"]["en"]: figure["value"] for figure in headline_figures(found.plan, found.coverages)}
        households = found.plan.households["households"].to_numpy()
        assert figures["Households"] == households.sum()
        for coverage in found.coverages:
            rate = households[coverage.covered].sum() / households.sum()
            assert figures[f"Within {coverage.cutoff_m:g} m on foot"] == pytest.approx(rate)


class TestFiles:
    def test_a_folder_that_is_not_there(self, found, tmp_path):
        with pytest.raises(FileError) as caught:
            write_map(page_of(found), tmp_path / "missing" / "map.html")
        assert caught.value.key == "unwritable_file"

    def test_a_failed_write_leaves_the_old_map_and_no_scrap(self, found, tmp_path, monkeypatch):
        target = tmp_path / "map.html"
        target.write_text("old")
        monkeypatch.setattr(document.os, "fsync", lambda _handle: (_ for _ in ()).throw(OSError(28, "disk full")))
        with pytest.raises(FileError):
            write_map(page_of(found), target)
        assert target.read_text() == "old"
        assert list(tmp_path.iterdir()) == [target]

    def test_libraries_that_were_not_fetched_are_named(self, found, tmp_path, monkeypatch):
        monkeypatch.setattr(document, "WEB", tmp_path)
        document._head.cache_clear()
        with pytest.raises(FileError) as caught:
            write_map(page_of(found), tmp_path / "map.html")
        document._head.cache_clear()
        assert "npm ci" in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    def test_a_plan_without_anything_cannot_be_drawn(self):
        with pytest.raises(MissingDataError):
            coverage_map(make_plan(PlanInfo(Name("空", "empty")), 4548))

    def test_libraries_are_locked_without_hosts(self):
        lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
        wanted = json.loads((WEB / "package.json").read_text(encoding="utf-8"))["dependencies"]
        locked = {path.removeprefix("node_modules/"): entry for path, entry in lock["packages"].items() if path}
        assert set(wanted) <= set(locked)
        assert all(entry["integrity"] and "resolved" not in entry for entry in locked.values())
