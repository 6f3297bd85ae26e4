"""The map component by itself: what a reader does on it is told once, what changed is taken, the view never jumps."""

import base64
import functools
import http.server
import json
import threading
import time
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from redraw_places import town

from gridgeo.maps import chunks, work_map
from gridgeo.maps.basemaps import basemap_data, find_basemap
from gridgeo.maps.chunks import cut_layer, is_packed, pack_points
from gridgeo.maps.document import WEB
from gridgeo.maps.editing import redraw_layers, whatif_layers
from gridgeo.maps.features import Look, MapLayer, both, encode_geometry, to_degrees
from gridgeo.maps.patches import patch_layer
from gridgeo.redraw import apply_edit, make_edit
from gridgeo.scenario import assess_fresh, update_coverage

HOSTILE = "<img src=x onerror=alert(1)></script>`${alert(1)}`\"'\u202e"
EDIT = {"choose": "blocks", "tools": ["choose", "lasso", "line", "place"], "drag": ["stations"], "pick": ["stations"]}
EDIT |= {"chosen": None, "turn": 0, "paint": None}


ASKED = []
"""The tiles and bodies that were asked for."""
CHUNKS = []
"""The squares of a large layer, or the one body of its points; None is kept no more."""
SHUT = threading.Event()
"""As long as it is set, no body is given."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the component's folder, and a tile wherever one is asked for."""

    def do_GET(self):
        if self.path.startswith("/chunks/"):
            ASKED.append(self.path)
            while SHUT.is_set():
                time.sleep(0.01)
            body = CHUNKS[int(self.path.rsplit("/", 1)[1])]
            self.send_response(204 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")
            return
        if not self.path.startswith("/tile/"):
            super().do_GET()
            return
        ASKED.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "image/svg+xml")
        self.end_headers()
        self.wfile.write(b'<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"/>')

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def folder():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=WEB)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Host:
    """Stands for Streamlit: gives the component its arguments and hears what it tells."""

    def __init__(self, page):
        self.page = page
        page.evaluate(
            """() => { window.told = []; window.addEventListener("message", (event) => {
              if (event.data.type === "streamlit:setComponentValue") { window.told = event.data.value.events; } }); }"""
        )

    def give(self, data, *, layers=None, patches=None, seen=0, theme=None, **more):
        args = {
            "options": data["options"], "frame": data["frame"],
            "wanted": [[name, layer["version"]] for name, layer in data["layers"].items()],
            "layers": data["layers"] if layers is None else layers, "patches": patches or {},
            "command": None, "edit": EDIT, "linked": None, "basemap": None, "seen": seen, "lang": "en", "height": 600,
        } | more  # fmt: skip
        wish = {"type": "streamlit:render", "args": args, "theme": theme}
        self.page.evaluate("(wish) => window.postMessage(wish, '*')", wish)
        self.page.wait_for_function("window.gridgeo.view && gridgeo.view.ready")
        self.page.wait_for_timeout(60)

    def told(self):
        self.page.wait_for_timeout(60)
        return [{name: each[name] for name in each if name != "number"} for each in self.page.evaluate("window.told")]

    def at(self, layer, key):
        return self.page.evaluate(
            """([id, key]) => { const { map, layers } = gridgeo.view; const { shape, data } = layers.get(id);
              const i = data.keys.indexOf(key); const s = map.options.crs.scale(map.getZoom()) / 256;
              const o = map.getPixelOrigin(); const b = shape.boxes ? [0, 1].map((k) =>
                (shape.boxes[4 * i + k] + shape.boxes[4 * i + 2 + k]) / 2) : [shape.xy[2 * i], shape.xy[2 * i + 1]];
              const p = map.layerPointToContainerPoint([b[0] * s - o.x, b[1] * s - o.y]);
              const r = map.getContainer().getBoundingClientRect(); return [p.x + r.left, p.y + r.top]; }""",
            [layer, key],
        )

    def picture(self):
        """What is drawn of the layers of points, once all that was asked for is drawn."""
        return self.page.evaluate(
            """async () => {
              await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
              return gridgeo.view.sheets.points._container.toDataURL(); }"""
        )

    def spot(self, layer, row):
        """Where the point of a layer without keys is on the screen."""
        return self.page.evaluate(
            """([id, i]) => { const { map, layers } = gridgeo.view; const { shape } = layers.get(id);
              const s = map.options.crs.scale(map.getZoom()) / 256; const o = map.getPixelOrigin();
              const p = map.layerPointToContainerPoint([shape.xy[2 * i] * s - o.x, shape.xy[2 * i + 1] * s - o.y]);
              const r = map.getContainer().getBoundingClientRect(); return [p.x + r.left, p.y + r.top]; }""",
            [layer, row],
        )

    def chosen(self):
        self.page.wait_for_timeout(60)
        return self.page.evaluate(CHOSEN)

    def view(self):
        return self.page.evaluate(
            "() => { const m = gridgeo.view.map; const c = m.getCenter(); return [m.getZoom(), c.lat, c.lng] }"
        )


CHOSEN = "() => (window.told.filter((event) => event.chosen).pop() || { chosen: [] }).chosen"


def compiled(plan):
    return work_map(plan, redraw_layers(plan, households_per_grid=(300, 500))).component_data()


@pytest.fixture
def host(visit, folder):
    page = visit(lang="en-GB", size=(1000, 640)).page
    page.goto(folder + "/index.html")
    return Host(page)


@pytest.fixture
def data():
    return compiled(town())


def test_blocks_are_chosen_by_click_control_lasso_and_escape(host, data):
    host.give(data)
    mouse, keyboard = host.page.mouse, host.page.keyboard
    mouse.click(*host.at("blocks", "B02"))
    assert host.told()[-1] == {"chosen": ["B02"]}
    keyboard.down("Control")
    mouse.click(*host.at("blocks", "B32"))
    keyboard.up("Control")
    assert set(host.told()[-1]["chosen"]) == {"B02", "B32"}
    keyboard.press("Escape")
    assert host.told()[-1] == {"chosen": []}
    host.page.locator("[data-tool=lasso]").click()
    (left, top), (right, low) = host.at("blocks", "B01"), host.at("blocks", "B10")
    corners = [(left - 60, top - 60), (right + 60, top - 60), (right + 60, low + 60), (left - 60, low + 60)]
    mouse.move(*corners[0])
    mouse.down()
    for corner in corners[1:]:
        mouse.move(*corner, steps=3)
    mouse.up()
    assert set(host.told()[-1]["chosen"]) == {"B00", "B01", "B10", "B11"}


def test_blocks_are_chosen_and_assigned_by_keyboard_and_said(host, data):
    host.give(data)
    keyboard, said = host.page.keyboard, host.page.locator("[aria-live=polite]")
    before = host.view()
    host.page.evaluate("gridgeo.editor.keyboard.cursor = 'B11'")
    host.page.locator(".leaflet-container").focus()
    for key, block in (("Right", "B21"), ("Up", "B22"), ("Left", "B12"), ("Down", "B11")):
        keyboard.press(f"Arrow{key}")
        assert f"Block {block}" in said.text_content()
        assert "Not chosen" in said.text_content()
    # At the edge there is nowhere to go, and the map stays where it is.
    for _ in range(4):
        keyboard.press("ArrowLeft")
    assert "Block B01" in said.text_content()
    assert host.view() == before
    keyboard.press("Space")
    assert said.text_content().endswith(". Chosen")
    keyboard.press("ArrowUp")
    keyboard.press("Space")
    assert host.chosen() == ["B01", "B02"]
    keyboard.press("Enter")
    assert host.told()[-1] == {"assign": ["B01", "B02"]}
    # What became of the block is said when the app has answered, in the reader's language.
    after = compiled(apply_edit(town(), make_edit("move_blocks", blocks=["B01", "B02"], to="G4")).plan)
    host.give(after, lang="zh")
    assert "街区编号 B02" in said.text_content()
    assert "G4" in said.text_content()
    keyboard.press("Escape")
    assert host.told()[-1] == {"chosen": []}
    keyboard.press("Enter")
    assert host.told()[-1] == {"chosen": []}
    assert "尚未选择" in said.text_content()


def test_beside_a_dark_page_the_legend_is_dark_and_the_tools_stand_side_by_side(host, data, axe):
    host.give(data, theme={"base": "dark"})
    colour = "getComputedStyle(document.querySelector('.gg-panel')).backgroundColor"
    assert host.page.evaluate(colour) == "rgb(20, 24, 29)"
    assert axe(host.page) == []
    boxes = [host.page.locator(each).bounding_box() for each in (".gg-tools", ".gg-north", ".leaflet-control-scale")]
    host.page.evaluate("document.querySelector('.gg-frame').classList.add('gg-below')")
    boxes += [host.page.locator(each).bounding_box() for each in (".gg-tools", ".gg-north", ".leaflet-control-scale")]
    for tools, *others in (boxes[:3], boxes[3:]):
        for other in others:
            assert tools["y"] + tools["height"] <= other["y"] or tools["x"] + tools["width"] <= other["x"]


def test_a_line_a_place_and_a_drag_are_told_in_degrees(host, data):
    host.give(data)
    mouse = host.page.mouse
    host.page.locator("[data-tool=line]").click()
    mouse.click(*host.at("blocks", "B00"))
    mouse.click(*host.at("blocks", "B03"))
    host.page.keyboard.press("Enter")
    line = host.told()[-1]["line"]
    assert len(line) == 2
    assert line[0][1] < line[1][1]
    host.page.locator("[data-tool=place]").click()
    mouse.click(*host.at("blocks", "B22"))
    assert len(host.told()[-1]["place"]) == 2
    x, y = host.at("stations", "S1")
    before = host.view()
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 40, y - 30, steps=4)
    mouse.up()
    dragged = host.told()[-1]["drag"]
    assert (dragged["layer"], dragged["key"]) == ("stations", "S1")
    # The map stays where it is, and the click that ends the drag chooses nothing.
    assert host.view() == before
    assert "drag" in host.told()[-1]
    host.page.keyboard.press("Control+z")
    assert host.told()[-1] == {"step": "undo"}
    # Who types takes back letters, not edits.
    host.page.evaluate("document.body.appendChild(document.createElement('input')).focus()")
    told = len(host.told())
    host.page.keyboard.press("Control+z")
    assert len(host.told()) == told


def test_what_the_app_has_not_confirmed_is_told_again(host, data):
    host.give(data)
    host.page.mouse.click(*host.at("blocks", "B02"))
    host.page.mouse.click(*host.at("blocks", "B12"))
    assert [each["chosen"] for each in host.told()] == [["B02"], ["B12"]]
    first = host.page.evaluate("window.told[0].number")
    host.give(data, layers={}, seen=first)
    host.page.mouse.click(*host.at("blocks", "B22"))
    assert [each["chosen"] for each in host.told()] == [["B12"], ["B22"]]


def test_only_what_changed_travels_and_the_view_stays(host, data):
    host.give(data)
    host.page.evaluate("gridgeo.view.map.setZoom(17.5, {animate: false})")
    before = host.view()
    plan = town()
    for edit in (
        make_edit("move_blocks", blocks=["B11"], to="G2"),
        make_edit("split_grid", grid="G4", line=[[200, 300], [400, 300]]),
        make_edit("merge_grids", grids=["G1", "G2"]),
    ):
        plan = apply_edit(plan, edit).plan
        after = compiled(plan)
        changed = {name: layer for name, layer in after["layers"].items() if layer != data["layers"][name]}
        patches = {name: patch_layer(data["layers"][name], layer) for name, layer in changed.items()}
        whole = {name: changed[name] for name, patch in patches.items() if patch is None}
        patches = {name: patch | {"from": data["layers"][name]["version"]} for name, patch in patches.items() if patch}
        assert "blocks" in patches
        assert len(json.dumps(patches)) < len(json.dumps(changed))
        host.give(after, layers=whole, patches=patches)
        assert host.told() == []
        held = host.page.evaluate(
            """() => Object.fromEntries([...gridgeo.view.layers].map(([id, layer]) => [id, {
              version: layer.data.version, keys: layer.data.keys, labels: layer.data.labels,
              lookOf: Array.from(layer.lookOf), xy: Array.from(layer.shape.xy), at: layer.data.labelAt,
              fields: layer.data.fields.map((field) => field.values) }]))"""
        )
        host.page.evaluate("(data) => { window.fresh = gridgeo.layer(data) }", after["layers"]["grids"])
        for name, layer in after["layers"].items():
            assert held[name]["version"] == layer["version"]
            assert held[name]["keys"] == layer["keys"]
            assert held[name]["labels"] == layer["labels"]
            assert held[name]["at"] == layer["labelAt"]
            assert held[name]["lookOf"] == layer["lookOf"]
            assert held[name]["fields"] == [field["values"] for field in layer["fields"]]
        assert held["grids"]["xy"] == host.page.evaluate("Array.from(window.fresh.shape.xy)")
        data = after
    assert host.view() == before


def test_a_lost_message_is_asked_for_again(host, data):
    host.give(data)
    after = compiled(apply_edit(town(), make_edit("move_blocks", blocks=["B11"], to="G2")).plan)
    host.give(after, layers={})
    assert host.told()[-1] == {"need": True}


def test_a_click_paints_at_once(host, data):
    host.give(data, edit=EDIT | {"paint": {"to": "G4", "look": 3}})
    host.page.mouse.click(*host.at("blocks", "B02"))
    assert host.told() == [{"paint": {"key": "B02", "to": "G4"}}]
    look = "gridgeo.view.layers.get('blocks').lookOf[gridgeo.view.layers.get('blocks').data.keys.indexOf('B02')]"
    assert host.page.evaluate(look) == 3


def test_words_of_users_are_text_on_map_card_and_legend(host):
    plan = town()
    grids = plan.grids.assign(name=[HOSTILE + str(row) for row in range(len(plan.grids))], staff=HOSTILE)
    stations = plan.stations.assign(name=HOSTILE, services=HOSTILE, hours="Mon-Fri 08:00-18:00")
    plan = plan.replace(grids=grids, stations=stations, gates=plan.gates.assign(name=HOSTILE))
    plan = replace(plan, info=replace(plan.info, name=replace(plan.info.name, zh=HOSTILE, en=HOSTILE)))
    host.give(compiled(plan))
    for layer, key in (("blocks", "B02"), ("stations", "S1")):
        host.page.mouse.move(*host.at(layer, key))
        host.page.wait_for_timeout(60)
        assert HOSTILE in host.page.locator(".gg-card").text_content()
    assert host.page.locator(".gg-frame img").count() == 0
    coverage = assess_fresh(plan, (300.0, 500.0))
    host.give(work_map(plan, whatif_layers(plan, [coverage.at(300), coverage.at(500)])).component_data())
    for layer, key in (("gates", "D1"), ("walks", "V11")):
        host.page.mouse.move(*host.at(layer, key))
        host.page.wait_for_timeout(60)
    assert host.page.locator(".gg-frame img").count() == 0


def test_a_moved_station_sends_only_households_that_changed(host):
    plan = town()
    coverage = assess_fresh(plan, (150.0, 300.0))
    after = apply_edit(plan, make_edit("move_station", station="S1", at=[300, 100])).plan
    moved = update_coverage(coverage, plan, after)
    one, two = (
        work_map(each, whatif_layers(each, [found.at(150), found.at(300)])).component_data()
        for each, found in ((plan, coverage), (after, moved))
    )
    host.give(one, edit=EDIT | {"choose": None})
    patches = {}
    for name, layer in two["layers"].items():
        if layer["version"] != one["layers"][name]["version"]:
            patches[name] = patch_layer(one["layers"][name], layer)
    assert set(patches) == {"households", "stations"}
    looks = (patches["households"] or two["layers"]["households"])["lookOf"]
    assert len(looks) <= len(plan.households)


def test_the_view_stands_in_the_address_and_comes_back(host, data, folder):
    host.give(data)
    host.page.evaluate("gridgeo.view.map.setZoom(17, {animate: false})")
    host.page.wait_for_timeout(60)
    address, before = host.page.url, host.view()
    assert "#map=17/" in address
    host.page.goto("about:blank")
    host.page.goto(address)
    again = Host(host.page)
    again.give(data)
    assert again.view()[0] == before[0]
    assert again.view()[1:] == pytest.approx(before[1:], abs=2e-5)


def test_a_hidden_map_is_whole_when_it_is_shown(host, data):
    host.page.evaluate("document.body.style.display = 'none'")
    host.give(data)
    host.page.evaluate("document.body.style.display = 'block'")
    host.page.wait_for_timeout(200)
    assert host.page.evaluate("gridgeo.view.map.getBounds().contains(gridgeo.view.frameData.bounds)")
    host.page.set_viewport_size({"width": 700, "height": 500})
    host.page.wait_for_timeout(200)
    assert host.page.evaluate("gridgeo.view.map.getSize().x") <= 700


def test_on_paper_stand_title_and_legend_and_the_view_comes_back(host, data):
    host.give(data)
    host.page.evaluate("gridgeo.view.map.setZoom(17, {animate: false})")
    before = host.view()
    host.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert host.page.locator(".gg-head h1").text_content() == data["frame"]["title"]["en"]
    assert host.page.locator(".gg-printing .gg-legend").is_visible()
    assert not host.page.locator(".gg-tools").is_visible()
    host.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert host.page.locator(".gg-head").count() == 0
    assert host.view() == pytest.approx(before, abs=1e-4)


def test_tiles_come_only_when_asked_for_and_lie_where_the_data_is(host, data, folder):
    host.give(data)
    assert ASKED == []
    for name in ("tianditu", "amap"):
        ASKED.clear()
        wish = basemap_data(find_basemap(name, key="k"), data["frame"]["bounds"])
        host.give(data, layers={}, basemap=wish | {"urls": [f"{folder}/tile/{name}/{{z}}/{{x}}/{{y}}"]})
        host.page.wait_for_timeout(250)
        assert ASKED
        # Where a tile lies on the screen less where its coordinates belong: the shift of the provider's pictures.
        off = host.page.evaluate(TILE_OFFSET)
        assert off == pytest.approx([-each for each in wish["shift"]], abs=2e-5)
    host.give(data, layers={}, basemap=None)
    assert host.page.locator(".leaflet-tile").count() == 0


def test_of_very_many_buildings_only_those_in_view_are_fetched_and_each_tells_its_own(host):
    """2,500 houses of 4 m, 8 m apart: number 50 * i + j stands i rows east and j rows north of the corner."""
    plan = town()
    east, north = (8.0 * np.repeat(np.arange(50), 50), 8.0 * np.tile(np.arange(50), 50))
    houses = {"building_id": [f"b{row}" for row in range(2500)], "building_kind": "house", "levels": np.arange(2500.0)}
    boxes = shapely.box(east, north, east + 4, north + 4)
    data = compiled(plan.replace(buildings=gpd.GeoDataFrame(houses, geometry=boxes, crs=plan.crs)))
    light, CHUNKS[:] = cut_layer(data["layers"]["buildings"])
    ASKED.clear()
    light["geometry"]["address"] = "a"
    layers = data["layers"] | {"buildings": light}
    host.page.evaluate("location.hash = '#map=20/0.0003/109.5134/'")
    host.give(data, layers=layers)
    loaded = "gridgeo.view.layers.get('buildings').chunks.filter((each) => each.layer).length === {}"
    host.page.wait_for_function(loaded.format(1))
    assert len(ASKED) == 1
    host.page.evaluate("gridgeo.view.map.setZoom(16, {animate: false})")
    host.page.wait_for_function(loaded.format(4))
    assert sorted(ASKED) == [f"/chunks/a/{number}" for number in range(4)]
    middles = gpd.GeoSeries(shapely.centroid(boxes), crs=plan.crs)
    for number in (0, 49, 1234, 2450, 2499):
        at = to_degrees(middles)[number]
        told = host.page.evaluate(
            """([lon, lat]) => { const { worldX, worldY } = gridgeo.coordinates;
              const layer = gridgeo.view.layers.get("buildings");
              const found = layer.featureAt(worldX(lon), worldY(lat), 0);
              return layer.data.fields[0].values[found]; }""",
            [at.x, at.y],
        )
        assert told == number
    host.page.evaluate("gridgeo.view.map.setZoom(13, {animate: false})")
    assert len(ASKED) == 4


COUNT = "gridgeo.view.layers.get('households').shape.count"


def packed(data, name="households"):
    """What travels at once where the households come as bytes of their own; the bytes are served from now on."""
    light, CHUNKS[:] = pack_points(data["layers"][name])
    light["geometry"]["address"] = data["layers"][name]["version"]
    return data["layers"] | {name: light}


@pytest.fixture
def walks(monkeypatch):
    """The town before and after a station is moved, its households many enough to come as bytes of their own."""
    monkeypatch.setattr(chunks, "MOST_POINTS", 10)
    plan = town()
    coverage = assess_fresh(plan, (150.0, 300.0))
    after = apply_edit(plan, make_edit("move_station", station="S1", at=[300, 100])).plan
    moved = update_coverage(coverage, plan, after)
    return [
        work_map(each, whatif_layers(each, [found.at(150), found.at(300)])).component_data()
        for each, found in ((plan, coverage), (after, moved))
    ]


def test_points_that_come_as_bytes_are_drawn_clicked_and_changed_as_others(host, walks, folder):
    before, after = walks
    households = before["layers"]["households"]
    assert is_packed(households)
    more = {"edit": EDIT | {"choose": None, "pick": ["households"], "drag": []}}
    host.give(before, **more)
    expected = host.picture()
    host.page.goto("about:blank")
    host.page.goto(folder + "/index.html")
    host = Host(host.page)
    # The map is there before its households are, and says so.
    SHUT.set()
    host.give(before, layers=packed(before), **more)
    assert host.page.evaluate(COUNT) == 0
    assert host.page.locator(".gg-notice").text_content() == before["frame"]["words"]["loading"]["en"]
    assert host.picture() != expected
    # What changes meanwhile is taken when they are there.
    change = patch_layer(households, after["layers"]["households"]) | {"from": households["version"]}
    assert change["rows"]
    host.give(after, layers={"stations": after["layers"]["stations"]}, patches={"households": change}, **more)
    SHUT.clear()
    count = len(households["lookOf"])
    host.page.wait_for_function(f"{COUNT} === {count}")
    assert host.page.locator(".gg-notice").is_hidden()
    looks = "Array.from(gridgeo.view.layers.get('households').lookOf)"
    assert host.page.evaluate(looks) == after["layers"]["households"]["lookOf"]
    back = patch_layer(after["layers"]["households"], households) | {"from": after["layers"]["households"]["version"]}
    host.give(before, layers={"stations": before["layers"]["stations"]}, patches={"households": back}, **more)
    assert host.page.evaluate(looks) == households["lookOf"]
    assert host.picture() == expected
    for row in (0, count // 2, count - 1):
        host.page.mouse.click(*host.spot("households", row))
        assert host.told()[-1] == {"pick": {"layer": "households", "row": row, "key": None}}


def test_points_that_are_kept_no_more_are_asked_for_anew(host, walks):
    data = walks[0]
    layers = packed(data)
    body, CHUNKS[0] = CHUNKS[0], None
    host.give(data, layers=layers)
    host.page.wait_for_function("window.told.length")
    assert host.told() == [{"need": True}]
    CHUNKS[0] = body
    host.give(data, layers=layers, seen=host.page.evaluate("window.told[0].number"))
    host.page.wait_for_function(f"{COUNT} === {len(data['layers']['households']['lookOf'])}")


def test_of_very_many_points_the_last_drawn_at_a_pixel_is_seen_and_the_large_lie_below(host):
    """21,000 points on 160 x 160 places, so that most cover others."""
    random = np.random.default_rng(3)
    plan, count = town(), 21_000
    at = gpd.GeoSeries(shapely.points(random.integers(0, 160, (count, 2)) * 2.5), crs=plan.crs)
    colours = ("#112233", "#a1b2c3", "#00ff7f")
    look_of, sizes = random.integers(0, 3, count), random.integers(0, 256, count)
    looks = tuple(Look(name=both("layer.households"), style={"fill": colour}) for colour in colours)
    made = {"layer_id": "households", "name": both("layer.households"), "group": "results", "kind": "points"}
    made |= {"looks": looks, "look_of": look_of, "sizes": sizes, "geometry": encode_geometry(to_degrees(at))}
    data = work_map(plan, [*redraw_layers(plan, households_per_grid=(300, 500)), MapLayer(**made)]).component_data()
    host.give(data, layers=packed(data))
    host.page.wait_for_function(f"{COUNT} === {count}")
    host.picture()
    seen = host.page.evaluate(
        """() => { const { map, layers, sheets } = gridgeo.view; const { shape } = layers.get("households");
          const { min } = sheets.points._bounds; const origin = map.getPixelOrigin();
          const scale = map.options.crs.scale(map.getZoom()) / 256; const { width, height } = sheets.points._container;
          const pixels = sheets.points._pen.getImageData(0, 0, width, height).data;
          const place = (v, k) => Math.round(v * scale - origin[k] - min[k]);
          return { zoom: map.getZoom(), width, height,
            pixels: btoa(Array.from(pixels, (v) => String.fromCharCode(v)).join("")),
            x: Array.from({ length: shape.count }, (_, i) => place(shape.xy[2 * i], "x")),
            y: Array.from({ length: shape.count }, (_, i) => place(shape.xy[2 * i + 1], "y")) }; }"""
    )
    pixels = np.frombuffer(base64.b64decode(seen["pixels"]), dtype=np.uint8).reshape(seen["height"], seen["width"], 4)
    expected = np.zeros_like(pixels)
    side = 3 if seen["zoom"] > 15 else 2
    for row in np.argsort(-sizes, kind="stable"):
        x, y, colour = seen["x"][row], seen["y"][row], colours[look_of[row]]
        expected[y : y + side, x : x + side] = [*bytes.fromhex(colour[1:]), 255]
    assert len(np.unique(expected.reshape(-1, 4), axis=0)) == 4
    drawn = expected[..., 3] > 0
    assert (pixels[drawn] == expected[drawn]).all()


def test_many_areas_drawn_in_pieces_are_each_in_their_own_colour(host):
    """1,600 squares of 8,000 corners in all: each keeps its look, and its hole is a hole."""
    plan = town()
    east, north = (10.0 * np.repeat(np.arange(40), 40), 10.0 * np.tile(np.arange(40), 40))
    shapes = shapely.box(east, north, east + 10, north + 10)
    shapes = shapely.difference(shapes, shapely.box(east + 6, north + 6, east + 9, north + 9))
    colours, look_of = ("#112233", "#a1b2c3"), np.random.default_rng(4).integers(0, 2, 1600)
    looks = tuple(Look(name=both("layer.gaps"), style={"fill": colour}) for colour in colours)
    made = {"layer_id": "areas", "name": both("layer.gaps"), "group": "areas", "kind": "polygons", "looks": looks}
    made |= {"geometry": encode_geometry(to_degrees(gpd.GeoSeries(shapes, crs=plan.crs))), "look_of": look_of}
    host.give(work_map(plan, [MapLayer(**made)]).component_data(), edit=EDIT | {"choose": None})
    host.picture()
    seen = {}
    for part, aside in (("filled", 3.0), ("hole", 7.5)):
        places = gpd.GeoSeries(shapely.points(east + aside, north + aside), crs=plan.crs)
        degrees = np.column_stack([to_degrees(places).y, to_degrees(places).x]).tolist()
        seen[part] = host.page.evaluate(
            """(places) => { const { map, sheets } = gridgeo.view; const { _pen, _container, _bounds } = sheets.areas;
              const { width, height } = _container; const { data } = _pen.getImageData(0, 0, width, height);
              return places.map(([lat, lng]) => { const p = map.latLngToLayerPoint([lat, lng]).subtract(_bounds.min);
                const at = 4 * (Math.floor(p.y) * width + Math.floor(p.x));
                return Array.from(data.slice(at, at + 4)); }); }""",
            degrees,
        )
    assert seen["filled"] == [[*bytes.fromhex(colours[look][1:]), 255] for look in look_of]
    assert seen["hole"] == [[0, 0, 0, 0]] * 1600


TILE_OFFSET = """() => {
  const { map } = gridgeo.view;
  const tile = document.querySelector(".leaflet-tile");
  const [, z, x, y] = /(\\d+)\\/(\\d+)\\/(\\d+)$/.exec(tile.src).map(Number);
  const belongs = map.unproject([256 * x, 256 * y], z);
  const a = tile.getBoundingClientRect(); const b = map.getContainer().getBoundingClientRect();
  const lies = map.containerPointToLatLng([a.left - b.left, a.top - b.top]);
  return [lies.lng - belongs.lng, lies.lat - belongs.lat];
}"""
