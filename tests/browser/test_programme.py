"""The programme page in a real browser: a rule pointed at shows where it fails, in both languages, with no fault."""

import pytest
from test_programmes_rules import HEAD, draw, people

from gridgeo.programmes import apply_programme, parse_programme
from gridgeo.store import write_plan

RULES = """
[[rule]]
rule = "near"
name = { zh = "步行可达", en = "A post within reach" }
kind = "coverage"
to = { station = "post" }
[[rule]]
rule = "small"
name = { zh = "网格户数", en = "Size of grids" }
kind = "band"
households = "25-30"
"""


@pytest.fixture(scope="module")
def address(serve, tmp_path_factory):
    path = tmp_path_factory.mktemp("programme") / "plan.gpkg"
    programme = parse_programme(HEAD + RULES, file="mine.toml")
    write_plan(apply_programme(draw(people=people(role=["member"])), programme), path)
    return serve(str(path))


@pytest.mark.parametrize(
    ("locale", "page", "title", "named"),
    [("zh-CN", "项目", "未达标之处", "步行可达"), ("en-GB", "Programme", "Where it fails", "A post")],
    ids=["zh", "en"],
)
def test_the_first_rule_that_fails_is_on_the_map(visit, until, address, axe, locale, page, title, named):
    seen = visit(lang=locale)
    seen.page.goto(address)
    seen.page.get_by_role("link", name=page).click()
    seen.page.get_by_test_id("stSelectbox").wait_for()
    panel = seen.page.frame_locator("iframe").locator(".gg-panel-legend")
    panel.wait_for()
    frame = next(each for each in seen.page.frames if "plan_map" in each.url)
    until(frame, "window.gridgeo && gridgeo.view && gridgeo.view.ready")
    seen.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    assert title in panel.inner_text()
    assert named in panel.inner_text()
    assert seen.page.get_by_test_id("stMetricValue").all_inner_texts() == ["0", "2", "0"]
    assert axe(seen.page) == []
