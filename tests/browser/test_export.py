"""The exported map: opens from the disk, asks nobody for anything, and is never blank."""

import re

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gridgeo.maps import coverage_map, write_map
from gridgeo.plan import Name, PlanInfo, make_plan

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "`${alert(1)}`",
    "{{7*7}}{% endraw %}",
    "\"'&\\\u202e<!--",
)


@pytest.fixture
def open_file(visit, until):
    """Open an exported map and wait until it is drawn; give the page and every address it asked for."""
    return lambda path, drawn=DRAWN, **how: open_map(visit(**how), until, path, drawn)


@pytest.fixture(scope="module")
def shared(visits, until, place):
    """One page for all tests that leave it as they found it."""
    with visits() as open_page:
        yield open_map(open_page(lang="en-GB"), until, place.map)


@pytest.fixture
def page(shared):
    yield shared[0]
    shared[0].evaluate("() => { gridgeo.view.fit(); }")


DRAWN = "gridgeo.view.labelled > 0"


def open_map(seen, until, path, drawn=DRAWN):
    asked = []
    seen.page.on("request", lambda request: asked.append(request.url))
    seen.page.goto(path.as_uri())
    until(seen.page, f"window.gridgeo && gridgeo.view && gridgeo.view.ready && {drawn}")
    return seen.page, asked


def test_is_drawn_with_a_single_request(shared, place, look):
    page, asked = shared
    page.wait_for_timeout(300)
    state = look(page)
    assert asked == [place.map.as_uri()]
    assert min(state["size"]) > 600
    assert state["inView"]
    assert state["painted"]["ground"] > 20
    assert state["painted"]["areas"] > 20
    assert state["painted"]["points"] > 20
    assert state["labelled"] > 5
    assert "households" in state["shown"]
    assert "blocks" not in state["shown"]


@pytest.mark.parametrize(
    ("browser", "first", "other"), [("zh-CN", "zh", "en"), ("en-GB", "en", "zh"), ("fr", "en", "zh")]
)
def test_speaks_the_browser_s_language_and_switches(open_file, place, look, browser, first, other):
    found = place.found
    page, _ = open_file(place.map, lang=browser)
    panel = page.locator(".gg-panel")
    names = {"zh": found.plan.info.name.zh, "en": found.plan.info.name.en}
    words = {"zh": "图层与图例", "en": "Layers and legend"}
    assert names[first] in panel.inner_text()
    assert words[first] in panel.inner_text()
    page.locator(".gg-language").click()
    assert look(page)["lang"] == other
    assert names[other] in panel.inner_text()
    assert words[other] in panel.inner_text()
    assert words[first] not in panel.inner_text()
    assert page.title() == panel.locator("h1").inner_text()


def test_layers_turn_off_and_on(page, look):
    before = look(page)
    for layer in before["layers"]:
        box = page.locator(f'input[data-layer="{layer}"]')
        shown = box.is_checked()
        assert shown == (layer in before["shown"])
        box.set_checked(not shown)
        assert (layer in look(page)["shown"]) != shown
        box.set_checked(shown)
    page.wait_for_timeout(300)
    after = look(page)
    assert after["shown"] == before["shown"]
    assert after["painted"] == before["painted"]


def test_a_layer_that_is_off_is_not_painted(page, look):
    for layer in ("households", "stations", "gates"):
        page.locator(f'input[data-layer="{layer}"]').set_checked(False)
    page.wait_for_timeout(300)
    assert look(page)["painted"]["points"] == 0
    for layer in ("households", "stations"):
        page.locator(f'input[data-layer="{layer}"]').set_checked(True)


def test_headline_figures_are_those_computed(page, place):
    found = place.found
    shown = page.locator(".gg-figure-value").all_inner_texts()
    rates = [f"{100 * coverage.summary()['coverage_rate'].iloc[0]:.1f} %" for coverage in found.coverages]
    assert shown == [f"{found.plan.households['households'].sum():,}", *rates, str(len(found.gaps))]
    assert "(estimated)" in page.locator(".gg-figure").first.inner_text()
    notes = page.locator(".gg-notes").inner_text()
    assert all(note.en in notes for note in found.plan.info.notes)


def test_pointing_at_a_household_tells_its_distance(page, place):
    found = place.found
    row = int(np.argmax(np.where(np.isfinite(found.coverages[0].distance_m), found.coverages[0].distance_m, -1)))
    place = found.plan.households.geometry.to_crs(found.plan.crs.geodetic_crs).iloc[row]
    spot = page.evaluate(
        """([lat, lon]) => {
          gridgeo.view.map.setView([lat, lon], 18, {animate: false});
          const point = gridgeo.view.map.latLngToContainerPoint([lat, lon]);
          const box = gridgeo.view.map.getContainer().getBoundingClientRect();
          return [box.left + point.x, box.top + point.y];
        }""",
        [place.y, place.x],
    )
    page.mouse.move(spot[0] + 60, spot[1] + 60)
    page.mouse.move(*spot, steps=3)
    card = page.locator(".gg-card")
    card.wait_for(state="visible")
    assert found.plan.households["household_id"].iloc[row] in card.inner_text()
    assert f"{round(found.coverages[0].distance_m[row]):,} m" in card.inner_text()


def test_a_gap_in_the_list_moves_the_map_there(page, look):
    before = look(page)
    page.locator(".gg-gaps summary").click()
    page.locator(".gg-gaps li button").first.click()
    assert look(page)["zoom"] > before["zoom"]


def test_opens_in_a_hidden_frame_and_appears_later(visit, until, place, look, tmp_path):
    holder = tmp_path / "holder.html"
    style = "width:900px;height:600px;display:none"
    holder.write_text(f'<!DOCTYPE html><iframe id="f" src="{place.map.as_uri()}" style="{style}"></iframe>')
    page = visit().page
    page.goto(holder.as_uri())
    frame = next(each for each in page.frames if each.url == place.map.as_uri())
    until(frame, "window.gridgeo && gridgeo.view && gridgeo.view.ready")
    page.evaluate("document.getElementById('f').style.display = 'block'")
    until(frame, "gridgeo.view.map.getSize().x > 300 && gridgeo.view.labelled > 0")
    frame.wait_for_timeout(200)
    state = look(frame)
    assert state["inView"]
    assert state["painted"]["ground"] > 20


def test_saves_a_picture_that_is_not_blank(page, tmp_path):
    with page.expect_download() as download:
        page.locator('[data-tool="picture"]').click()
    target = tmp_path / "map.png"
    download.value.save_as(target)
    assert target.read_bytes().startswith(b"\x89PNG")
    assert target.stat().st_size > 50_000


def test_prints_map_figures_and_legend_and_returns_to_the_same_view(page, look):
    page.evaluate("() => { gridgeo.view.map.setZoom(16, {animate: false}); }")
    before = look(page)
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(printed) > 100_000
    page.evaluate("() => gridgeo.view.printing(true)")
    during = look(page)
    assert during["zoom"] == before["zoom"]
    assert during["size"][0] == pytest.approx(277 / 25.4 * 96, abs=2)
    assert during["painted"]["ground"] > 20
    assert page.locator(".gg-bar").is_hidden()
    assert page.locator(".gg-figure").first.is_visible()
    page.evaluate("() => gridgeo.view.printing(false)")
    page.wait_for_timeout(200)
    after = look(page)
    assert after.pop("centre") == pytest.approx(before.pop("centre"), abs=2e-5)
    assert after["painted"].keys() == before.pop("painted").keys()
    assert after.pop("painted")["ground"] > 20
    assert after == before


def test_measures_a_known_distance(page):
    """Two points 0.005° of latitude apart are 555.97 m apart on Leaflet's sphere of 6,371,000 m."""
    spots = page.evaluate(
        """() => {
          const { map, frameData } = gridgeo.view;
          const middle = L.latLngBounds(frameData.bounds).getCenter();
          map.setView(middle, 15, {animate: false});
          const box = map.getContainer().getBoundingClientRect();
          return [[-0.0025], [0.0025]].map(([shift]) => {
            const point = map.latLngToContainerPoint([middle.lat + shift, middle.lng]);
            return [box.left + point.x, box.top + point.y];
          });
        }"""
    )
    page.locator('[data-tool="measure"]').click()
    for spot in spots:
        page.mouse.click(*spot)
        page.wait_for_timeout(400)
    told = page.locator(".gg-notice").inner_text()
    assert abs(int(re.sub(r"\D", "", told)) - 556) <= 6
    page.keyboard.press("Escape")


def test_very_many_households_are_drawn_as_dots(open_file, until, look, tmp_path):
    """60,000 points in the four corners of a field of 3 km: the picture has paint in each corner, none between."""
    corner = np.repeat([[0, 0], [2900, 0], [0, 2900], [2900, 2900]], 15_000, axis=0)
    shift = np.stack(np.meshgrid(np.arange(150), np.arange(100)), axis=-1).reshape(-1, 2) / 1.5
    xy = corner + np.tile(shift, (4, 1)) + [500000, 4400000]
    households = gpd.GeoDataFrame(
        {"household_id": np.arange(len(xy)).astype(str), "households": 1 + np.arange(len(xy)) % 7},
        geometry=gpd.points_from_xy(*xy.T),
        crs=4548,
    )
    units = gpd.GeoDataFrame(
        {"unit_id": ["u"], "name": ["u"], "level": ["subdistrict"]},
        geometry=[shapely.box(500000, 4400000, 503000, 4403000)],
        crs=4548,
    )
    plan = make_plan(PlanInfo(Name("大", "big")), 4548, units=units, households=households)
    path = write_map(coverage_map(plan), tmp_path / "big.html")
    page = open_file(path, drawn="gridgeo.view.layers.size === 2")[0]
    page.wait_for_timeout(300)
    alphas = page.evaluate(
        """() => {
          const { map, sheets } = gridgeo.view;
          const canvas = sheets.points._container;
          const ratio = canvas.width / sheets.points._bounds.getSize().x;
          const at = (lat, lon) => {
            const place = map.latLngToLayerPoint([lat, lon]).subtract(sheets.points._bounds.min).multiplyBy(ratio);
            return canvas.getContext("2d").getImageData(place.x, place.y, 1, 1).data[3];
          };
          const [[south, west], [north, east]] = gridgeo.view.frameData.bounds;
          const [high, wide] = [(north - south) / 60, (east - west) / 60];
          return [
            at(south + high, west + wide), at(south + high, east - wide), at(north - high, west + wide),
            at(north - high, east - wide), at((south + north) / 2, (west + east) / 2),
          ];
        }"""
    )
    assert alphas[:4] == [255] * 4
    assert alphas[4] == 0


def test_axe_finds_no_serious_fault(page, axe):
    assert axe(page) == []
    page.locator(".gg-language").click()
    assert axe(page) == []
    page.locator(".gg-language").click()


def test_hostile_words_are_text(open_file, tmp_path):
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
    info = PlanInfo(Name(HOSTILE[1], HOSTILE[0]), attribution=HOSTILE[0], notes=(Name(HOSTILE[2], HOSTILE[3]),))
    path = write_map(coverage_map(make_plan(info, 4548, units=units, stations=stations)), tmp_path / "hostile.html")
    page, asked = open_file(path, lang="en-GB")
    assert page.locator(".gg-credit").inner_text() == HOSTILE[0]
    assert HOSTILE[0] in page.locator("h1").inner_text()
    for number in range(count):
        rows = page.evaluate(
            "(i) => gridgeo.view.describe(gridgeo.view.layers.get('stations').data, i).map((e) => e.textContent)",
            number,
        )
        assert rows[1] == HOSTILE[number]
        assert rows[2].count(HOSTILE[number]) == 4
    page.locator(".gg-language").click()
    page.wait_for_timeout(300)
    assert HOSTILE[1] in page.locator("h1").inner_text()
    assert page.locator("img, iframe").count() == 0
    assert asked == [path.as_uri()]
