"""The app in a real browser: both places, both languages, no outside request, no error, no blank map."""

import itertools
import urllib.error
import urllib.request

import geopandas as gpd
import pytest
import shapely

from gridgeo.readers import bundled_places, bundled_plan_path
from gridgeo.store import read_plan


@pytest.fixture(scope="module")
def address(place, serve):
    return serve(str(place.plan))


@pytest.fixture
def open_app(visit, until):
    """Open the app and wait for its map; give the page and the frame that holds the map."""
    return lambda address, **how: open_page(visit(**how), until, address)


@pytest.fixture(scope="module")
def opened(visits, until, address):
    """One page for all tests that do not mind what the ones before did."""
    with visits() as start:
        yield open_page(start(lang="en-GB"), until, address)


def open_page(seen, until, address):
    seen.page.goto(address)
    return seen.page, map_frame(seen.page, until)


def map_frame(page, until):
    page.wait_for_selector("iframe")
    page.frame_locator("iframe").locator(".gg-panel-legend").wait_for()
    frame = next(each for each in page.frames if "plan_map" in each.url)
    until(frame, "window.gridgeo && gridgeo.view && gridgeo.view.ready && gridgeo.view.labelled > 0")
    settle(page)
    return frame


def settle(page):
    """Wait until the app has no work left."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def test_overview_shows_map_and_figures(open_app, address, place, look):
    page, frame = open_app(address)
    state = look(frame)
    assert state["lang"] == "zh"
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert state["inView"]
    assert state["painted"]["ground"] > 20
    assert state["painted"]["points"] > 20
    found = place.found
    values = page.get_by_test_id("stMetricValue").all_inner_texts()
    rates = [f"{coverage.summary()['coverage_rate'].iloc[0]:.1%}" for coverage in found.coverages]
    assert values == [f"{found.plan.households['households'].sum():,}", *rates, str(len(found.gaps))]
    assert found.plan.info.name.zh in page.locator("h3").inner_text()


def test_language_switches_everywhere_and_the_view_stays(open_app, until, address, place, look):
    page, frame = open_app(address)
    frame.evaluate("gridgeo.view.map.setZoom(17, {animate: false})")
    before = look(frame)
    page.get_by_text("English", exact=True).click()
    until(frame, "gridgeo.view.lang === 'en'")
    settle(page)
    after = look(frame)
    assert place.found.plan.info.name.en in page.locator("h3").inner_text()
    assert "Layers and legend" in frame.locator(".gg-panel").inner_text()
    assert (after["zoom"], after["centre"]) == (before["zoom"], before["centre"])
    page.reload()
    assert look(map_frame(page, until))["lang"] == "en"


def test_a_page_opens_by_its_own_address(visit, until, address):
    """Its server is found at once: the browser's console stays empty, as `visit` checks."""
    seen = visit(lang="zh-CN")
    asked = []
    seen.page.on("request", lambda request: asked.append(request.url))
    seen.page.goto(f"{address}/redraw?lang=en")
    assert map_frame(seen.page, until).evaluate("gridgeo.view.lang") == "en"
    assert any(each.startswith(f"{address}/_stcore/health") for each in asked)
    assert not any("/redraw/" in each for each in asked)
    assert seen.page.locator("html").get_attribute("lang") == "en"
    # The language switch says on every page what is spoken, whichever page one comes from.
    for name in ("Overview", "Coverage", "Data"):
        seen.page.get_by_role("link", name=name).click()
        seen.page.wait_for_url(f"{address}/{name.lower().removeprefix('overview')}?*")
        settle(seen.page)
        seen.page.locator(".st-key-language [aria-checked=true]").filter(has_text="English").wait_for()


def test_another_cutoff_changes_only_what_it_must(opened, until, place, look):
    """What was ticked and where one looked stay; buildings and streets are not even sent again."""
    page, frame = opened
    frame.locator('input[data-layer="grids"]').uncheck()
    frame.locator('input[data-layer="blocks"]').check()
    frame.evaluate("gridgeo.view.map.setZoom(16.5, {animate: false})")
    frame.evaluate("window.kept = ['buildings', 'streets', 'households'].map((id) => gridgeo.view.layers.get(id).data)")
    before = look(frame)
    page.get_by_text("500 m", exact=True).click()
    until(frame, "gridgeo.view.frameData.figures.headline.length === 3")
    settle(page)
    after = look(frame)
    assert "grids" not in after["shown"]
    assert "blocks" in after["shown"]
    assert (after["zoom"], after["centre"]) == (before["zoom"], before["centre"])
    assert after["painted"]["points"] > 20
    same = "['buildings', 'streets', 'households'].map((id, i) => gridgeo.view.layers.get(id).data === window.kept[i])"
    assert frame.evaluate(same) == [True, True, False]
    rate = place.found.coverages[1].summary()["coverage_rate"].iloc[0]
    assert f"{rate:.1%}" in page.get_by_test_id("stMetricValue").all_inner_texts()


def test_streets_are_named_where_they_lie_and_nothing_is_covered(opened, place):
    """Each name stands on a street of that name, written once nearby, and over no other name."""
    _, frame = opened
    for zoom in (14.5, 16.5):
        frame.evaluate(f"gridgeo.view.map.setZoom({zoom}, {{animate: false}}); gridgeo.view.sheets.labels._update()")
        names = frame.evaluate(NAMES)
        assert len(names) >= 4
        streets = place.found.plan.streets
        for text, lon, lat, metres, _ in names:
            at = gpd.GeoSeries(gpd.points_from_xy([lon], [lat]), crs=4490).to_crs(streets.crs).iloc[0]
            # A name stands on the chord of a stretch that is nearly straight: a few pixels from the street.
            assert streets.geometry[streets["name"] == text].distance(at).min() < 12 * metres
        for (_, _, _, _, mine), (_, _, _, _, other) in itertools.combinations(names, 2):
            assert not any(shapely.box(*a).intersects(shapely.box(*b)) for a in mine for b in other)
    frame.evaluate("gridgeo.view.map.setZoom(12, {animate: false}); gridgeo.view.sheets.labels._update()")
    assert frame.evaluate(NAMES) == []


NAMES = """() => gridgeo.view.streetNames.map(({ text, x, y, boxes }) => {
  const { map } = gridgeo.view;
  const { lng, lat } = map.layerPointToLatLng([x, y]);
  const metres = map.distance(map.layerPointToLatLng([x, y]), map.layerPointToLatLng([x + 1, y]));
  return [text, lng, lat, metres, boxes];
})"""


def test_a_gap_in_the_list_is_shown_on_the_map(opened, until, look):
    page, frame = opened
    frame.evaluate("gridgeo.view.map.setZoom(12, {animate: false})")
    before = look(frame)
    page.get_by_test_id("stRadio").locator("label").filter(has_text="Gap 1").click()
    until(frame, f"gridgeo.view.map.getZoom() > {before['zoom']}")


def test_the_map_can_be_taken_along_and_opens_offline(opened, visit, until, look, tmp_path):
    page, _ = opened
    page.get_by_role("button", name="Take along").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Map as one offline HTML file").click()
    path = tmp_path / "map.html"
    download.value.save_as(path)
    other = visit().page
    other.goto(path.as_uri())
    until(other, "window.gridgeo && gridgeo.view && gridgeo.view.labelled > 0")
    assert look(other)["painted"]["ground"] > 20


def test_a_household_that_is_clicked_is_explained(open_app, until, address, place, look):
    page, _ = open_app(address, lang="en-GB")
    page.get_by_role("link", name="Coverage").click()
    page.get_by_text("Click a household on the map").wait_for()
    frame = map_frame(page, until)
    state = look(frame)
    assert "circles" in state["shown"]
    coverage = place.found.coverages[0]
    households = coverage.households
    paper = households[~households["covered"] & (households["straight_m"] <= 300)]
    name, row = paper.index[0], paper.iloc[0]
    spot = frame.evaluate(FIND, name)
    box = page.locator("iframe").bounding_box()
    page.mouse.click(box["x"] + spot[0], box["y"] + spot[1])
    page.get_by_text(f"Household {name}").wait_for()
    words = page.locator("body").inner_text()
    assert f"{round(row['distance_m'])} m on foot" in words
    assert f"{round(row['distance_m'] - 300)} m farther than 300 m" in words
    assert "On paper it is covered" in words
    assert look(frame)["zoom"] == 18


FIND = """(name) => {
  const { map, layers } = gridgeo.view;
  const { data, shape } = layers.get("households");
  const i = data.titles.indexOf(name);
  const scale = map.options.crs.scale(0) / gridgeo.coordinates.WORLD;
  map.setView(map.unproject([shape.xy[2 * i] * scale, shape.xy[2 * i + 1] * scale], 0), 18, {animate: false});
  const point = map.latLngToContainerPoint(map.getCenter());
  const box = map.getContainer().getBoundingClientRect();
  return [box.left + point.x, box.top + point.y];
}"""


def test_axe_finds_no_serious_fault(open_app, address, axe, place, until):
    lang = "zh-CN" if place.name == bundled_places()[0] else "en-GB"
    page, frame = open_app(address, lang=lang)
    assert axe(page) == []
    assert axe(frame) == []
    page.get_by_role("link", name={"zh-CN": "覆盖分析", "en-GB": "Coverage"}[lang]).click()
    page.get_by_test_id("stSelectbox").first.wait_for()
    map_frame(page, until)
    assert axe(page) == []


def test_the_server_answers_only_to_its_own_name(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert "default-src 'self'" in answer.headers["content-security-policy"]
    request = urllib.request.Request(address, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 421
    refused.value.close()


def test_without_a_plan_the_start_page_opens_one(visit, serve, until, look):
    page = visit(lang="en-GB").page
    page.goto(serve())
    name = read_plan(bundled_plan_path(bundled_places()[0])).info.name.en
    page.get_by_role("button", name=name).click()
    frame = map_frame(page, until)
    assert name in page.locator("h3").inner_text()
    assert look(frame)["painted"]["ground"] > 20
    page.reload()
    map_frame(page, until)
    assert name in page.locator("h3").inner_text()
