"""Redraw and What-if in a real browser: click → assigned, drag → covered, two tabs, hostile names, accessibility."""

import pytest
from redraw_places import town

from gridgeo.store import read_plan, write_plan

HOSTILE = "<img src=x onerror=alert(1)></script>`${alert(1)}`\"' \u202eabc"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    plan = town()
    grids = plan.grids.assign(name=[f"{HOSTILE} {row}" for row in range(len(plan.grids))])
    plan = plan.replace(streets=plan.streets.assign(name=HOSTILE))
    plan = plan.replace(grids=grids, stations=plan.stations.assign(name=HOSTILE), gates=plan.gates.assign(name=HOSTILE))
    path = tmp_path_factory.mktemp("redraw") / "town.gpkg"
    write_plan(plan, path)
    return path


@pytest.fixture(scope="module")
def address(path, serve):
    return serve(str(path))


def turn_to(page, name):
    page.get_by_role("link", name=name, exact=True).click()
    page.wait_for_url(lambda url: {"What-if": "whatif"}.get(name, "redraw") in url)


def map_frame(page, until, number=0):
    page.frame_locator("iframe").nth(number).locator(".gg-panel-legend").wait_for()
    frame = [each for each in page.frames if "plan_map" in each.url][number]
    until(frame, "window.gridgeo && gridgeo.view && gridgeo.view.ready")
    settle(page)
    return frame


def settle(page):
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def spot(page, frame, layer, key):
    """Where a feature is on the screen."""
    x, y = frame.evaluate(
        """([id, key]) => { const { map, layers } = gridgeo.view; const { shape, data } = layers.get(id);
          const i = data.keys.indexOf(key); const s = map.options.crs.scale(map.getZoom()) / 256;
          const o = map.getPixelOrigin(); const b = shape.boxes ? [0, 1].map((k) =>
            (shape.boxes[4 * i + k] + shape.boxes[4 * i + 2 + k]) / 2) : [shape.xy[2 * i], shape.xy[2 * i + 1]];
          const p = map.layerPointToContainerPoint([b[0] * s - o.x, b[1] * s - o.y]);
          const r = map.getContainer().getBoundingClientRect(); return [p.x + r.left, p.y + r.top]; }""",
        [layer, key],
    )
    box = page.locator("iframe").first.bounding_box()
    return box["x"] + x, box["y"] + y


LOOK = "Array.from(gridgeo.view.layers.get('blocks').lookOf)[gridgeo.view.layers.get('blocks').data.keys.indexOf('{}')]"


def grid_of(path):
    plan = read_plan(path)
    return dict(zip(plan.blocks["block_id"], plan.blocks["grid_id"], strict=True))


def test_a_planner_assigns_undoes_and_another_tab_sees_it(visit, until, address, path, axe):
    page = visit(lang="zh-CN").page
    page.goto(address)
    turn_to(page, "网格重划")
    page.get_by_role("button", name="撤销 (0)").wait_for()
    frame = map_frame(page, until)
    other = visit(lang="en-GB").page
    other.goto(address)
    turn_to(other, "Redraw")
    seen = map_frame(other, until)
    before = frame.evaluate(LOOK.format("B11"))
    page.mouse.click(*spot(page, frame, "blocks", "B11"))
    assert HOSTILE in frame.locator(".gg-card").text_content()
    page.get_by_text("已选").or_(page.get_by_text("1 个街区")).first.wait_for()
    page.get_by_role("button", name="划入", exact=True).click()
    page.get_by_role("button", name="撤销 (1)").wait_for()
    until(frame, f"{LOOK.format('B11')} !== {before}")
    assert grid_of(path)["B11"] != "G1"
    # What the list shows is what the next click assigns to, and its households are counted anew.
    target = page.locator(".st-key-redraw_to").get_by_test_id("stSelectbox")
    assert "300" in target.inner_text() + "".join(each.input_value() for each in target.locator("input").all())
    # The other tab shows it by itself, and takes it back.
    until(seen, f"{LOOK.format('B11')} !== {before}")
    other.get_by_role("button", name="Undo (1)").click()
    until(seen, f"{LOOK.format('B11')} === {before}")
    until(frame, f"{LOOK.format('B11')} === {before}")
    assert grid_of(path)["B11"] == "G1"
    assert HOSTILE[:28] in page.locator("body").inner_text()
    for each in (page, frame, other):
        assert axe(each) == []


def test_a_planner_drags_a_station_reloads_and_compares(visit, until, address, path, axe):
    page = visit(lang="en-GB").page
    page.goto(address)
    turn_to(page, "What-if")
    page.get_by_label("Name of a new scenario").fill(HOSTILE)
    page.keyboard.press("Enter")
    settle(page)
    page.get_by_role("button", name="Begin").click()
    frame = map_frame(page, until)
    x, y = spot(page, frame, "stations", "S1")
    page.mouse.move(x, y)
    assert HOSTILE in frame.locator(".gg-card").text_content()
    page.mouse.move(*spot(page, frame, "walks", "V11"))
    assert HOSTILE in frame.locator(".gg-card").text_content()
    assert frame.locator(".gg-frame img").count() == 0
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 60, steps=4)
    page.mouse.up()
    page.get_by_text("Changes in this scenario: 1").wait_for()
    settle(page)
    figures = page.get_by_test_id("stMetricValue").all_inner_texts()
    assert read_plan(path).stations.geometry.iloc[0].coords[0] == (100.0, 100.0)
    assert axe(page) == []
    assert axe(frame) == []
    # A page opened anew. From the front: Streamlit looks for its server under a page's own address first, in vain.
    page.goto(address)
    turn_to(page, "What-if")
    map_frame(page, until)
    assert page.get_by_test_id("stMetricValue").all_inner_texts() == figures
    page.get_by_text("Compare", exact=True).click()
    page.get_by_text("who is covered").click()
    page.locator("iframe").nth(1).wait_for()
    # The single map of before goes when the page is whole.
    settle(page)
    one, two = map_frame(page, until, 0), map_frame(page, until, 1)
    one.evaluate("gridgeo.view.map.setZoom(18, {animate: false})")
    until(two, "gridgeo.view.map.getZoom() === 18")
    # A button under the pointer is between two colours for a moment.
    page.mouse.move(5, 300)
    page.wait_for_timeout(500)
    assert axe(page) == []
