"""Readers who work on one plan at once: some in a browser, the others over the same websocket as a browser.

A browser redraws its page with every change, which costs more than the server's share. Twenty of them beside the server
on one machine would measure themselves; in an office each has a computer of its own.
"""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.request
from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Page
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from benchmarks.browsing import PATIENCE_S

THINKING_S = 2
"""How long a reader looks before the next click, on average."""
DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Reader(threading.Thread):
    """Gives one block to two grids in turn, as a click on the map with a grid in hand does, and follows the others.

    Parameters
    ----------
    address : str
        Of the server.
    block : str
        The block.
    grids : sequence of str
        The two grids; the block is in the first.
    names : mapping
        Grid → name on the map.
    thinking_s : float, optional
        How long it looks before the next click, on average.
    """

    def __init__(
        self, address: str, block: str, grids: Sequence[str], names: dict[str, str], *, thinking_s: float = THINKING_S
    ) -> None:
        super().__init__(daemon=True)
        self.address, self.block, self.grids, self.names, self.thinking_s = address, block, grids, names, thinking_s
        self.took: list[float] = []
        self.wrong: list[str] = []
        self.titles: dict[str, str] = {}
        self.version = ""
        self.opened, self.begin, self.pause, self.stop = (threading.Event() for _ in range(4))
        self.last = grids[0]
        self._number = time.time_ns() // 1000
        self._events: list[dict[str, Any]] = []
        self._map: dict[str, Any] = {}
        self._page = ""
        self._looked = 0.0

    def run(self) -> None:
        """Open the page, wait for the others, work until told to pause, and follow until told to stop."""
        try:
            ways = {"subprotocols": ["streamlit"], "origin": self.address, "max_size": None, "compression": None}
            with connect(self.address.replace("http", "ws") + "/_stcore/stream", **ways) as socket:
                self._work(socket)
        except Exception as error:  # noqa: BLE001 - what went wrong is the result
            self.wrong.append(f"{self.block}: {type(error).__name__}: {error}")
            self.opened.set()

    def _work(self, socket: ClientConnection) -> None:
        self._ask(socket, page_name="redraw")
        self._take_run(socket)
        self.opened.set()
        self.begin.wait()
        while not self.pause.is_set():
            self._rest(socket, self.thinking_s * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            to = self.grids[1] if self.last == self.grids[0] else self.grids[0]
            begun = time.perf_counter()
            self._tell(socket, paint={"key": self.block, "to": to})
            seen = self._take_run(socket, until=self.names[to])
            if self.wrong:
                return
            self.took.append(seen - begun)
            self.last = to
        while not self.stop.is_set():
            self._rest(socket, 0.5)

    def _rest(self, socket: ClientConnection, seconds: float) -> None:
        """Look at the map, which asks for news meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            news = self._map["news"]
            if time.monotonic() > self._looked + news["every_s"]:
                self._looked = time.monotonic()
                asked = f"{self.address}/news/{news['address']}"
                with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:  # noqa: S310 - our own address
                    if answer.read().decode() != news["mark"]:
                        self._tell(socket, news=True)
                        self._take_run(socket)
            time.sleep(min(left, 0.1))

    def _tell(self, socket: ClientConnection, **event: object) -> None:
        self._number += 1
        self._events = [each for each in self._events if each["number"] > self._map["seen"]]
        self._events.append({**event, "number": self._number})
        self._ask(socket)

    def _ask(self, socket: ClientConnection, page_name: str = "") -> None:
        asked = BackMsg()
        wish = asked.rerun_script
        wish.query_string, wish.page_name, wish.page_script_hash = "lang=en", page_name, self._page
        if self._events:
            wish.fragment_id = self._map["fragment"]
            widget = wish.widget_states.widgets.add(id=self._map["id"])
            widget.json_value = json.dumps({"events": self._events})
        socket.send(asked.SerializeToString())

    def _take_run(self, socket: ClientConnection, until: str | None = None) -> float:
        """Take what the server sends until it is done; return when the map showed what was waited for."""
        seen, end = 0.0, time.monotonic() + PATIENCE_S
        while time.monotonic() < end and not self.wrong:
            message = ForwardMsg.FromString(socket.recv(timeout=PATIENCE_S))
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._page = message.new_session.page_script_hash
            elif kind == "delta" and message.delta.HasField("new_element"):
                self._show(message.delta.new_element, message.delta.fragment_id)
            elif kind == "script_finished" and message.script_finished in DONE and (until is None or seen):
                return seen
            if until is not None and not seen and self.titles.get(self.block) == until:
                seen = time.perf_counter()
        self.wrong.append(f"{self.block}: no answer within {PATIENCE_S} s")
        return seen

    def _show(self, element: Any, fragment: str) -> None:
        match element.WhichOneof("type"):
            case "component_instance":
                self._draw(json.loads(element.component_instance.json_args))
                self._map |= {"id": element.component_instance.id, "fragment": fragment}
            case "alert" if element.alert.format == element.alert.ERROR:
                self.wrong.append(f"{self.block}: {element.alert.body}")
            case "exception":
                self.wrong.append(f"{self.block}: {element.exception.message}")

    def _draw(self, shown: dict[str, Any]) -> None:
        """Take the blocks as the map does: all of them, or what changed since the version that is held."""
        if (layer := shown["layers"].get("blocks")) is not None:
            self.titles = dict(zip(layer["keys"], layer["titles"], strict=True))
        elif (change := shown["patches"].get("blocks")) is not None:
            if change["from"] != self.version or change["keys"] is not None:
                self.wrong.append(f"{self.block}: a change from {change['from']} came, {self.version} is held")
            keys = list(self.titles)
            for row, title in zip(change["rows"], change.get("titles", ()), strict=False):
                self.titles[keys[row]] = title
        self.version = dict(shown["wanted"])["blocks"]
        self._map |= {"news": shown["news"], "seen": shown["seen"]}


def work_in_browser(page: Page, block: str, seconds: float) -> None:
    """Let a page assign its chosen block over and over.

    Parameters
    ----------
    page : Page
        With the page Redraw open, and the block chosen.
    block : str
        The block.
    seconds : float
        For how long.
    """
    page.evaluate(_ASSIGN_OVER_AND_OVER, {"block": block, "seconds": seconds, "thinking": THINKING_S})


def end_in_browser(page: Page) -> dict[str, Any]:
    """Wait until a page that was let work is done.

    Parameters
    ----------
    page : Page
        The page.

    Returns
    -------
    dict
        ``took`` (seconds), ``wrong`` (what it said), ``last`` (the name of the grid that it saw its block in).
    """
    done: dict[str, Any] = page.evaluate("() => window.working")
    return done


_ASSIGN_OVER_AND_OVER = """({ block, seconds, thinking }) => {
  const rest = (ms) => new Promise((done) => setTimeout(done, ms));
  const { gridgeo, requestAnimationFrame } = document.querySelector("iframe").contentWindow;
  const grid = () => {
    const { keys, titles } = gridgeo.view.layers.get("blocks").data;
    return titles[keys.indexOf(block)];
  };
  const work = async () => {
    const [took, wrong, end] = [[], [], performance.now() + 1000 * seconds];
    await rest(1000 * thinking * Math.random());
    while (performance.now() < end && !wrong.length) {
      // A reader clicks when the page is whole again; before that its buttons are those of the last step.
      while (!document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]")) {
        await rest(10);
      }
      const [before, begun] = [grid(), performance.now()];
      document.querySelector(".st-key-redraw_assign button").click();
      while (grid() === before && !wrong.length) {
        await rest(10);
        wrong.push(...[...document.querySelectorAll("[data-testid=stAlertContentError]")].map((e) => e.innerText));
        if (performance.now() - begun > 60000) {
          wrong.push("no answer within a minute");
        }
      }
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      took.push((performance.now() - begun) / 1000);
      await rest(1000 * thinking * (0.5 + Math.random()));
    }
    return { took, wrong, last: grid() };
  };
  window.working = work();
}"""
"""In the page itself, so that twenty of them are timed by their own clocks."""
