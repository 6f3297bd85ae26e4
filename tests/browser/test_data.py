"""Data, settings and sign-in in a real browser: files become a plan, a cell becomes an edit, a viewer stays outside."""

import json
import sys

import geopandas as gpd
import pandas as pd
import pytest
from redraw_places import town

from gridgeo.store import read_plan, write_plan

BEIJING = (500_000, 4_420_000)
HOSTILE = "<img src=x onerror=alert(1)>`${x}` \u202e"


@pytest.fixture(scope="module")
def plan():
    """The town of the tests of edits, moved to a place where there can be one."""
    drawn = town()
    layers = {
        name: layer.assign(geometry=layer.translate(*BEIJING)) for name, layer in drawn.layers().items() if len(layer)
    }
    return drawn.replace(**layers)


@pytest.fixture(scope="module")
def address(plan, serve, tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "town.gpkg"
    write_plan(plan, path)
    return serve(str(path)), path


def settle(page):
    page.wait_for_timeout(250)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def write_files(plan, folder):
    """Write the plan's layers as an office would have them: two drawings and two lists."""
    degrees = {name: layer.to_crs(4490) for name, layer in plan.layers().items()}
    boundary = gpd.GeoDataFrame({"名称": ["小镇"]}, geometry=[plan.district], crs=plan.crs).to_crs(4490)
    boundary.to_file(folder / "边界.geojson", driver="GeoJSON")
    streets = degrees["streets"][["street_id", "name", "street_class", "geometry"]]
    streets.to_file(folder / "道路.geojson", driver="GeoJSON")
    homes, stations = degrees["households"], degrees["stations"]
    table = {"楼栋编号": homes["household_id"], "户数": homes["households"].astype(object), "户主姓名": "张三"}
    table = pd.DataFrame({**table, "经度": homes.geometry.x, "纬度": homes.geometry.y})
    table.loc[2, "户数"] = "很多"
    table.to_csv(folder / "住户.csv", index=False, encoding="gb18030")
    places = {"站点名称": HOSTILE, "经度": stations.geometry.x, "纬度": stations.geometry.y}
    pd.DataFrame(places).to_csv(folder / "站点.csv", index=False)
    return sorted(folder.iterdir())


def test_files_become_a_plan(visit, until, serve, plan, tmp_path):
    """As a new user goes: from the start without a plan to figures of one's own."""
    page = visit(lang="en-GB").page
    page.goto(serve())
    page.get_by_role("link", name="To the import").click()
    page.get_by_text("Put your files here").wait_for()
    page.locator("input[type=file]").set_input_files(write_files(plan, tmp_path))
    page.get_by_role("button", name="Check everything").click()
    page.get_by_text("1 fault stops the import").wait_for()
    for layer in ("households", "stations"):
        if page.locator(f".st-key-take_{layer}_wgs84").count():
            page.locator(f".st-key-take_{layer}_wgs84 button").click()
            settle(page)
    page.get_by_role("button", name="Set 1 row aside").click()
    page.get_by_text("Everything fits together").wait_for()
    page.get_by_text("1 row was set aside").wait_for()
    page.get_by_role("button", name="Make the plan and open it").click()
    page.get_by_test_id("stMetricValue").first.wait_for()
    assert page.get_by_test_id("stMetricValue").first.inner_text() == "1,500"
    assert page.locator("h3").inner_text() == "小镇"


def test_a_cell_that_is_changed_is_an_edit(visit, address):
    page = visit(lang="en-GB").page
    page.goto(f"{address[0]}/?lang=en")
    page.get_by_role("link", name="Data").click()
    table = page.get_by_test_id("stDataFrame").first
    table.wait_for()
    settle(page)
    box = table.bounding_box()
    page.mouse.click(box["x"] + 250, box["y"] + 55)
    page.keyboard.press("Enter")
    page.locator("textarea.gdg-input").wait_for()
    # The grid's editor loses what is typed within its first moments, faster than any hand.
    page.wait_for_timeout(500)
    page.keyboard.press("Control+a")
    page.keyboard.type(HOSTILE)
    page.wait_for_timeout(300)
    page.keyboard.press("Enter")
    page.get_by_text("Changes of this plan: 1").wait_for()
    assert HOSTILE in read_plan(address[1]).stations.to_numpy()
    page.get_by_text("Changes of this plan: 1").click()
    page.get_by_role("button", name="Take the last change back").click()
    page.get_by_text("Changes of this plan: 2").wait_for()
    assert HOSTILE not in read_plan(address[1]).stations.to_numpy()


@pytest.mark.parametrize(("lang", "scheme"), [("zh-CN", "dark"), ("en-GB", "light")])
def test_axe_finds_no_serious_fault(visit, address, axe, lang, scheme):
    page = visit(lang=lang).page
    page.emulate_media(color_scheme=scheme)
    page.goto(address[0])
    for name in ({"zh-CN": "数据", "en-GB": "Data"}[lang], {"zh-CN": "设置", "en-GB": "Settings"}[lang]):
        page.get_by_role("link", name=name).click()
        settle(page)
        page.wait_for_timeout(300)
        assert axe(page) == []
    ground = page.locator("[data-testid=stApp]").evaluate("each => getComputedStyle(each).backgroundColor")
    assert ground == {"dark": "rgb(20, 24, 29)", "light": "rgb(255, 255, 255)"}[scheme]


@pytest.fixture(scope="module")
def office(address, serve, run, new_port, tmp_path_factory):
    """Give the address of an app with a sign-in, and of the provider that it asks."""
    people = [{"sub": "li", "name": "Li", "roles": ["planner"]}, {"sub": "wang", "name": HOSTILE, "roles": ["staff"]}]
    known = [f"--user-claims={json.dumps(each)}" for each in people]
    provider = run([sys.executable, "-m", "oidc_provider_mock", *known], "/.well-known/openid-configuration")
    config, port = tmp_path_factory.mktemp("config"), new_port()
    said = f"""
        [auth]
        redirect_uri = "http://127.0.0.1:{port}/oauth2callback"
        cookie_secret = "{"c" * 40}"
        client_id = "gridgeo"
        client_secret = "secret"
        server_metadata_url = "{provider}/.well-known/openid-configuration"
        [roles]
        planners = ["planner"]
    """
    (config / "signin.toml").write_text(said, encoding="utf-8")
    return serve(str(address[1]), config=config, port=port), provider


def sign_in(seen, office, who):
    """Sign in at the provider, whose own page asks for styles from outside."""
    page = seen.page
    page.goto(f"{office[0]}/?lang=en")
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[name=sub]").fill(who)
    page.get_by_role("button", name="Authorize").click()
    page.get_by_test_id("stMetricValue").first.wait_for()
    assert all("jsdelivr" in address for address in seen.outside)
    seen.outside.clear()
    seen.errors.clear()
    settle(page)


def test_a_viewer_sees_sums_only_and_changes_nothing(visit, office, until):
    seen = visit(lang="en-GB")
    sign_in(seen, office, "wang")
    page = seen.page
    links = page.get_by_test_id("stTopNavLink").all_inner_texts()
    assert links == ["Overview", "Coverage"]
    page.frame_locator("iframe").locator(".gg-panel-legend").wait_for()
    frame = next(each for each in page.frames if "plan_map" in each.url)
    until(frame, "window.gridgeo && gridgeo.view && gridgeo.view.ready")
    assert not frame.evaluate("gridgeo.view.layers.has('households')")
    page.goto(f"{office[0]}/data")
    page.get_by_text("Only planners may do this; nothing was changed.").wait_for()


def test_a_planner_works_as_without_a_sign_in(visit, office):
    seen = visit(lang="en-GB")
    sign_in(seen, office, "li")
    page = seen.page
    page.get_by_role("link", name="Settings").click()
    page.get_by_text("Signed in: Li (planner)").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{office[1]}/oauth2/end_session*")
    page.goto("about:blank")
    seen.outside.clear()
    seen.errors.clear()
