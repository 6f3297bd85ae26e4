"""How long a reader of the app waits, in a real browser: medians over many actions, and many readers at once.

Run ``python -m benchmarks.app`` with Chromium installed. It makes its own plans (square streets, a plan's blocks and
grids by gridgeo itself), starts the app as a user does, and prints one line a figure:

    python -m benchmarks.app                  everything below, one after the other, about ten minutes
    python -m benchmarks.app --blocks 80 2000     redraw and what-if, first page, undo, memory a session
    python -m benchmarks.app --households 100000 1000000    that many household points on the overview
    python -m benchmarks.app --buildings 50000              that many buildings on the overview
    python -m benchmarks.app --sessions 20 --seconds 120    readers at once on one plan, each moving a block over and
                                                            over: two in Chromium, the others over the websocket

Times are from the click in the browser to the change painted on the screen, so they hold the way to the server and
back. No wait is longer than a minute, but for the first page of very many households, when the server computes
everything: what takes longer ends the run with a word about what was waited for.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from playwright.sync_api import Page

from app.state.news import LOOK_S
from benchmarks.browsing import (
    COLD_S,
    PATIENCE_S,
    app_server,
    browser,
    cpu_s,
    feature_spot,
    grid_on_map,
    look_at,
    map_frame,
    memory_mb,
    painted,
    report,
    settle,
    timed,
    turn_to,
    until,
)
from benchmarks.readers import Reader, end_in_browser, work_in_browser
from gridgeo.assessment import divide_plan
from gridgeo.plan import Name, Plan, PlanInfo, make_plan
from gridgeo.store import read_plan, write_plan

CRS = 4547
ORIGIN = (500_000.0, 3_380_000.0)
SIDE_M = 120.0
HOUSEHOLDS_A_BLOCK = 60
FURTHER = 8
"""How many more sessions are opened to see what one costs."""


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, nargs="*", default=[])
    parser.add_argument("--actions", type=int, default=30)
    parser.add_argument("--households", type=int, nargs="*", default=[])
    parser.add_argument("--buildings", type=int, nargs="*", default=[])
    parser.add_argument("--sessions", type=int, default=0)
    parser.add_argument("--browsers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=120.0)
    asked = parser.parse_args()
    if not (asked.blocks or asked.households or asked.buildings or asked.sessions):
        asked.blocks, asked.households, asked.buildings = [80, 2000], [100_000, 1_000_000], [50_000]
        asked.sessions = 20
    with tempfile.TemporaryDirectory(prefix="gridgeo-bench-") as folder:
        for count in asked.blocks:
            measure_actions(Path(folder), count, asked.actions)
        for count in asked.households:
            measure_overview(square_town(400, households=count), Path(folder), f"{count:,} households")
        for count in asked.buildings:
            measure_overview(square_town(400, buildings=count), Path(folder), f"{count:,} buildings")
        if asked.sessions:
            measure_sessions(Path(folder), asked.sessions, asked.seconds, asked.browsers)


def square_town(blocks: int, *, households: int | None = None, buildings: int = 0) -> Plan:
    """Make a town of square blocks, divided into grids by gridgeo.

    Parameters
    ----------
    blocks : int
        About how many.
    households : int, optional
        How many household points; one in the middle of each block when left out.
    buildings : int, optional
        How many square buildings, anywhere.

    Returns
    -------
    Plan
        The plan.
    """
    across = max(2, round(blocks**0.5))
    up = max(2, round(blocks / across))
    x, y = ORIGIN
    lines = [
        shapely.LineString([(x + SIDE_M * i, y + SIDE_M * j), (x + SIDE_M * (i + di), y + SIDE_M * (j + dj))])
        for i in range(across + 1)
        for j in range(up + 1)
        for di, dj in ((1, 0), (0, 1))
        if i + di <= across and j + dj <= up
    ]
    streets = {"street_id": [f"s{at}" for at in range(len(lines))], "street_class": "residential"}
    width, height = SIDE_M * across, SIDE_M * up
    district = {"unit_id": ["1"], "name": ["Town"], "level": ["subdistrict"]}
    random = np.random.default_rng(0)
    if households is None:
        at = [(x + SIDE_M * (i + 0.5), y + SIDE_M * (j + 0.5)) for i in range(across) for j in range(up)]
        points, each = shapely.points(at), HOUSEHOLDS_A_BLOCK
    else:
        drawn = random.uniform((x + 1, y + 1), (x + width - 1, y + height - 1), (households, 2))
        points, each = shapely.points(drawn), max(1, HOUSEHOLDS_A_BLOCK * blocks // households)
    homes = {"household_id": [f"h{row:07}" for row in range(len(points))], "households": each, "persons": 2.5 * each}
    posts = shapely.points(np.random.default_rng(1).uniform((x, y), (x + width, y + height), (max(3, blocks // 25), 2)))
    names = [f"S{row}" for row in range(len(posts))]
    # In rows within the blocks: a building that lies on a street would join what the street parts.
    rows = int(np.ceil((buildings / (across * up)) ** 0.5)) or 1
    steps = (SIDE_M * np.arange(max(across, up))[:, None] + 10 + 100 / rows * np.arange(rows)).ravel()
    west, south = (each.ravel()[:buildings] for each in np.meshgrid(x + steps[: across * rows], y + steps[: up * rows]))
    houses = shapely.box(west, south, west + 70 / rows, south + 50 / rows)
    kinds = {"building_id": [f"b{row}" for row in range(buildings)], "building_kind": "residential"}
    layers = {
        "streets": gpd.GeoDataFrame(streets, geometry=lines, crs=CRS),
        "units": gpd.GeoDataFrame(district, geometry=[shapely.box(x, y, x + width, y + height)], crs=CRS),
        "households": gpd.GeoDataFrame(homes, geometry=points, crs=CRS),
        "stations": gpd.GeoDataFrame({"station_id": names, "name": names}, geometry=posts, crs=CRS),
    }
    if buildings:
        layers["buildings"] = gpd.GeoDataFrame(kinds, geometry=houses, crs=CRS)
    plan = make_plan(PlanInfo(name=Name(f"{blocks}", f"{blocks}")), CRS, **layers)
    return divide_plan(plan)[0]


def measure_actions(folder: Path, blocks: int, actions: int) -> None:
    """Assign blocks, take it back, drag a station; and the first page, and the server's memory.

    Parameters
    ----------
    folder : Path
        Where the plan goes.
    blocks : int
        About how many blocks.
    actions : int
        How many of each.
    """
    path = folder / f"blocks-{blocks}.gpkg"
    plan = square_town(blocks)
    write_plan(plan, path)
    with app_server(path) as (address, process), browser() as new_page:
        page = new_page()
        first = [timed(lambda: open_overview(page, address)) for _ in range(6)]
        report(f"{blocks} blocks: first page, cold", first[:1])
        report(f"{blocks} blocks: first page, warm", first[1:])
        measure_redraw(page, address, border_blocks(plan), actions, f"{blocks} blocks")
        measure_whatif(page, address, actions, f"{blocks} blocks")
        alone = memory_mb(process)
        for _ in range(FURTHER):
            turn_to(new_page(), address, "Redraw")
        told = (memory_mb(process) - alone) / FURTHER
        print(f"{blocks} blocks: server {alone:.0f} MB with one session, {told:.1f} MB more for each further one")


def border_blocks(plan: Plan) -> list[str]:
    """Return the blocks that lie beside another grid, spread over the plan."""
    grids = dict(zip(plan.grids["grid_id"], plan.grids.geometry, strict=True))
    found = [
        block
        for block, own, shape in zip(plan.blocks["block_id"], plan.blocks["grid_id"], plan.blocks.geometry, strict=True)
        if shape.intersection(grids[own].boundary).length > SIDE_M * 0.9
    ]
    return [found[row] for row in np.random.default_rng(2).permutation(len(found))]


def measure_redraw(page: Page, address: str, blocks: list[str], actions: int, what: str) -> None:
    """Time assigning a chosen block and taking that back, each until the map shows it."""
    frame = turn_to(page, address, "Redraw")
    assigned, undone = [], []
    for turn in range(actions):
        block = blocks[turn % len(blocks)]
        look_at(frame, "blocks", block)
        page.mouse.click(*feature_spot(page, frame, "blocks", block))
        page.get_by_text("Blocks chosen: 1;").wait_for()
        until(frame, f"gridgeo.editor.chosen.has({block!r})")
        settle(page)
        before = frame.evaluate(grid_on_map(block))
        button = page.get_by_role("button", name="Assign", exact=True)
        assigned.append(timed(lambda: (button.click(), painted(frame, f"{grid_on_map(block)} !== {before!r}"))))  # noqa: B023
        settle(page)
        undo = page.get_by_role("button", name="Undo (")
        undone.append(timed(lambda: (undo.click(), painted(frame, f"{grid_on_map(block)} === {before!r}"))))  # noqa: B023
        settle(page)
        page.keyboard.press("Escape")
        page.get_by_text("Click a block on the map").wait_for()
    report(f"{what}: click → assigned and repainted", assigned)
    report(f"{what}: undo → repainted", undone)


def measure_whatif(page: Page, address: str, actions: int, what: str) -> None:
    """Time dragging a station until the households on the map are drawn anew."""
    turn_to(page, address, "What-if", mapped=False)
    page.get_by_role("button", name="Begin").click()
    frame = map_frame(page)
    dragged = []
    for turn in range(actions):
        look_at(frame, "stations", "S0")
        x, y = feature_spot(page, frame, "stations", "S0")
        step = 40 if turn % 2 == 0 else -40
        frame.evaluate("() => { window.held = gridgeo.view.layers.get('households').data.version; }")
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + step, y + step / 2, steps=4)
        moved = "gridgeo.view.layers.get('households').data.version !== window.held"
        dragged.append(timed(lambda: (page.mouse.up(), painted(frame, moved))))  # noqa: B023
        settle(page)
    report(f"{what}: drag a station → coverage redrawn", dragged)


def measure_overview(plan: Plan, folder: Path, what: str) -> None:
    """Time the overview of a plan with very many features: the very first page, then with the server warm.

    Parameters
    ----------
    plan : Plan
        The plan.
    folder : Path
        Where its file goes.
    what : str
        What it has many of.
    """
    path = folder / "many.gpkg"
    write_plan(plan, path)
    del plan
    begun = time.perf_counter()
    with app_server(path) as (address, process), browser() as new_page:
        report(f"{what}: server ready", [time.perf_counter() - begun])
        page, worked = new_page(), cpu_s(process)
        said = timed(lambda: open_at_work(page, address))
        report(f"{what}: first page says it is at work", [said])
        report(f"{what} on the map, cold", [said + timed(lambda: see_overview(page, patience_s=COLD_S))])
        print(f"{what}: cold, {cpu_s(process) - worked:.1f} s of the server's processor")
        worked = cpu_s(process)
        strange = [timed(lambda: open_overview(new_page(), address)) for _ in range(5)]
        report(f"{what} on the map, in a browser that was never here", strange)
        print(f"{what}: {(cpu_s(process) - worked) / 5:.1f} s of the server's processor for each of them")
        # As a reader's second look, like the warm first pages of `measure_actions`: a session of its own each time.
        report(f"{what} on the map, warm", [timed(lambda: open_overview(page, address)) for _ in range(5)])
        now, most = memory_mb(process), memory_mb(process, "VmHWM")
        print(f"{what}: server {now:.0f} MB, {most:.0f} MB at the most", flush=True)


def measure_sessions(folder: Path, sessions: int, seconds: float, browsers: int) -> None:
    """Let many readers move blocks of one plan at once, and compare with the plan and its log afterwards.

    Parameters
    ----------
    folder : Path
        Where the plan goes.
    sessions : int
        How many readers.
    seconds : float
        For how long.
    browsers : int
        How many of them in Chromium.
    """
    path = folder / "sessions.gpkg"
    plan = square_town(max(80, 4 * sessions))
    write_plan(plan, path)
    names = dict(zip(plan.grids["grid_id"], plan.grids["name"], strict=True))
    blocks = border_blocks(plan)[:sessions]
    wrong: list[str] = []
    with app_server(path) as (address, process), browser() as new_page:
        pages = {block: new_page() for block in blocks[:browsers]}
        for block, page in pages.items():
            page.on("pageerror", lambda error: wrong.append(str(error)))
            frame = turn_to(page, address, "Redraw")
            page.mouse.click(*feature_spot(page, frame, "blocks", block))
            page.get_by_text("Blocks chosen: 1;").wait_for()
        readers = [Reader(address, block, two_grids(plan, block), names) for block in blocks[browsers:]]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.opened.wait()
        begun = cpu_s(process)
        for reader in readers:
            reader.begin.set()
        for block, page in pages.items():
            work_in_browser(page, block, seconds)
        time.sleep(seconds)
        busy = (cpu_s(process) - begun) / seconds
        done = {block: end_in_browser(page) for block, page in pages.items()}
        for reader in readers:
            reader.pause.set()
        time.sleep(2 * LOOK_S)
        after = read_plan(path)
        at_last = dict(zip(after.blocks["block_id"], after.blocks["grid_id"].map(names), strict=True))
        behind = sum(reader.titles != at_last for reader in readers)
        for reader in readers:
            reader.stop.set()
            reader.join(PATIENCE_S)
        memory = memory_mb(process)
    wrong += [error for reader in readers for error in reader.wrong]
    wrong += [error for one in done.values() for error in one["wrong"]]
    last = {block: one["last"] for block, one in done.items()} | {each.block: names[each.last] for each in readers}
    lost = sum(at_last[block] != name for block, name in last.items())
    direct = [each for reader in readers for each in reader.took]
    painted_s = [each for one in done.values() for each in one["took"]]
    made = len(direct) + len(painted_s)
    print(
        f"{sessions} sessions on one plan for {seconds:.0f} s: {made} edits made, {len(after.edits)} in the log, "
        f"{lost} blocks not where their reader put them, {behind} maps not as the plan is, {len(wrong)} errors; "
        f"server {busy:.0%} of a core, {memory:.0f} MB"
    )
    report_late(f"{len(readers)} over the websocket: edit → its answer", direct)
    report_late(f"{len(pages)} in Chromium: click → repainted", painted_s)
    for error in wrong[:3]:
        print(f"  {error}")
    if wrong or lost or behind or len(after.edits) != made:
        raise SystemExit(1)


def two_grids(plan: Plan, block: str) -> tuple[str, str]:
    """Return the grid that holds a block, and one beside the block."""
    row = plan.blocks["block_id"].tolist().index(block)
    own, shape = plan.blocks["grid_id"].iloc[row], plan.blocks.geometry.iloc[row]
    shared = plan.grids.geometry.intersection(shape.boundary).length.where(plan.grids["grid_id"] != own, 0)
    return own, plan.grids["grid_id"].iloc[int(shared.to_numpy().argmax())]


def report_late(what: str, seconds: list[float]) -> None:
    """Print the median and the 95th percentile of some times."""
    if seconds:
        late = sorted(seconds)[int(0.95 * (len(seconds) - 1))]
        print(f"  {what}: median {statistics.median(seconds):.2f} s of {len(seconds)}, p95 {late:.2f} s")


def open_overview(page: Page, address: str) -> None:
    """Open the overview and wait until its households are painted."""
    page.goto(f"{address}/?lang=en")
    see_overview(page)


def open_at_work(page: Page, address: str) -> None:
    """Open the overview of a plan that nobody has looked at yet, and wait until it says that it is at work."""
    page.goto(f"{address}/?lang=en")
    page.get_by_test_id("stSpinner").wait_for()


def see_overview(page: Page, *, patience_s: float = PATIENCE_S) -> None:
    """Wait until the overview's households are painted."""
    page.set_default_timeout(1000 * patience_s)
    households = "(gridgeo.view.layers.get('households') || { shape: {} }).shape.count"
    painted(map_frame(page, settled=False), households)


if __name__ == "__main__":
    main()
