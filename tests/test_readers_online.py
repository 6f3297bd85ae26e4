"""A place by its name, fetched from servers on loopback that answer as OpenStreetMap's do; no other host is asked."""

from __future__ import annotations

import builtins
import http.server
import json
import socket
import sys
import threading
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import osmnx
import pytest

from gridgeo.cli.commands import run
from gridgeo.errors import FileError, InputError
from gridgeo.readers import read_online_place, read_osm
from gridgeo.store import read_plan

LON, LAT = 116.3, 40.0
SQUARE = [[LON, LAT], [LON + 0.01, LAT], [LON + 0.01, LAT + 0.01], [LON, LAT + 0.01], [LON, LAT]]
FOUND = {
    "lat": str(LAT), "lon": str(LON), "osm_type": "relation", "osm_id": 1, "class": "boundary", "importance": 0.5,
    "type": "administrative", "name": "甲街道", "display_name": "甲街道, 北京市", "place_id": 1, "place_rank": 16,
    "addresstype": "suburb", "boundingbox": [str(LAT), str(LAT + 0.01), str(LON), str(LON + 0.01)],
    "geojson": {"type": "Polygon", "coordinates": [SQUARE]},
}  # fmt: skip
NODES = {1: (0, 0), 2: (0.005, 0), 3: (0.005, 0.005), 11: (0.001, 0.001), 12: (0.002, 0.001), 13: (0.002, 0.002)}
ELEMENTS = [
    *({"type": "node", "id": number, "lon": LON + x, "lat": LAT + y} for number, (x, y) in NODES.items()),
    {"type": "node", "id": 2, "lon": LON + 0.005, "lat": LAT, "tags": {"barrier": "gate", "name": '东"门"<&>'}},
    {"type": "way", "id": 5, "nodes": [1, 2, 3], "tags": {"highway": "residential", "name": "北街"}},
    {"type": "way", "id": 6, "nodes": [11, 12, 13, 11]},
    {
        "type": "relation",
        "id": 7,
        "members": [{"type": "way", "ref": 6, "role": "outer"}],
        "tags": {"type": "multipolygon", "building": "apartments", "building:levels": "6"},
    },
]


@contextmanager
def servers(places=(FOUND,), elements=ELEMENTS):
    """Answer like Nominatim and Overpass on one port; tell what was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, content):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(content.encode())

        def do_GET(self):
            asked.append(self.path)
            if "/status" in self.path:
                self.answer(
                    "Connected as: 1\nCurrent time: now\nAnnounced endpoint: none\nRate limit: 2\n2 slots available.\n"
                )
            else:
                self.answer(json.dumps(list(places)))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.append(parse_qs(body)["data"][0])
            self.answer(json.dumps({"elements": elements}))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield {"nominatim_url": f"{address}/", "overpass_url": f"{address}/api"}, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr("osmnx._nominatim.time.sleep", lambda _: None)


def test_a_place_comes_with_its_border_and_what_lies_in_it():
    resolve, before = socket.getaddrinfo, dict(vars(osmnx.settings))
    with servers() as (urls, asked):
        place = read_online_place("甲街道, 北京市", **urls)
    assert place.name == "甲街道"
    assert place.boundary.geometry.iloc[0].bounds == pytest.approx((LON, LAT, LON + 0.01, LAT + 0.01))
    assert place.layers.streets[["street_id", "name"]].to_numpy().tolist() == [["way/5", "北街"]]
    assert place.layers.gates["name"].tolist() == ['东"门"<&>']
    assert place.layers.buildings[["building_id", "levels"]].to_numpy().tolist() == [["relation/7", 6.0]]
    assert place.layers.crs.to_epsg() == 4548
    assert any("甲街道" in parse_qs(urlsplit(each).query).get("q", [""])[0] for each in asked)
    assert any("highway" in each for each in asked)
    assert socket.getaddrinfo is resolve
    assert {key: value for key, value in vars(osmnx.settings).items() if key in before} == before


def test_the_command_makes_a_plan_of_it(tmp_path, monkeypatch):
    with servers() as (urls, _):
        for name, url in urls.items():
            monkeypatch.setenv(f"GRIDGEO_{name.upper()}", url)
        assert run(["import", "--place", "甲街道", "--out", str(tmp_path / "a.gpkg")]) == 0
    plan = read_plan(tmp_path / "a.gpkg")
    assert (len(plan.streets), len(plan.gates), len(plan.buildings), str(plan.info.name)) == (1, 1, 1, "甲街道")
    assert "OpenStreetMap" in plan.info.attribution


@pytest.mark.parametrize("places", [(), [{**FOUND, "geojson": {"type": "Point", "coordinates": [LON, LAT]}}]])
def test_a_name_without_an_area_is_one_sentence(places):
    with servers(places=places) as (urls, _), pytest.raises(InputError) as caught:
        read_online_place("乌有乡", **urls)
    assert caught.value.key == "online_no_place"
    assert "乌有乡" in str(caught.value)


@pytest.mark.parametrize(
    "trouble", [{"places": ["nonsense"]}, {"elements": "nonsense"}, {"elements": [{"type": "node"}]}]
)
def test_a_server_that_answers_nonsense_is_one_sentence(trouble):
    with servers(**trouble) as (urls, _), pytest.raises((FileError, InputError)) as caught:
        read_online_place("甲街道", **urls)
    assert "\n" not in str(caught.value)


def test_no_connection_is_one_sentence():
    with servers() as (urls, _):
        pass
    with pytest.raises(FileError) as caught:
        read_online_place("甲街道", **urls, patience_s=2)
    assert caught.value.key == "online_unreachable"
    assert "127.0.0.1" in str(caught.value)


def test_without_the_extra_it_is_one_sentence(monkeypatch):
    real = builtins.__import__

    def lacking(name, *rest, **named):
        if name == "osmnx":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.delitem(sys.modules, "osmnx")
    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(InputError) as caught:
        read_online_place("甲街道")
    assert "gridgeo[online]" in str(caught.value)


def test_what_comes_back_is_read_like_any_extract(tmp_path):
    """The same elements as a file, written by hand, give the same layers."""
    nodes = "".join(
        f'<node id="{n}" version="1" lon="{LON + x}" lat="{LAT + y}"/>' for n, (x, y) in NODES.items() if n != 2
    )
    gate = f'<node id="2" version="1" lon="{LON + 0.005}" lat="{LAT}"><tag k="barrier" v="gate"/></node>'
    way = '<way id="5" version="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/></way>'
    path = tmp_path / "a.osm"
    path.write_text(f'<?xml version="1.0"?><osm version="0.6">{nodes}{gate}{way}</osm>', encoding="utf-8")
    with servers() as (urls, _):
        fetched = read_online_place("甲街道", **urls)
    plain = read_osm(path, boundary=fetched.boundary)
    assert plain.streets.geometry.geom_equals_exact(fetched.layers.streets.geometry, 1e-6).all()
    assert plain.gates.geometry.geom_equals_exact(fetched.layers.gates.geometry, 1e-6).all()
