"""Maps behind the map: pictures come from the host that was chosen, lie where the data lies, and nothing else comes."""

import datetime as dt
import http.server
import ssl
import threading
from contextlib import contextmanager

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gridgeo.maps.basemaps import BASEMAPS, basemap_data, find_basemap
from gridgeo.readers import bundled_places, bundled_plan_path

OUTSIDE = ("https://evil.example/tile.png", "https://webrd05.is.autonavi.com/a", "https://tianditu.gov.cn/a")
ASKED = []
"""The hosts that were asked for a picture."""


class Tiles(http.server.BaseHTTPRequestHandler):
    """Stands for every host outside; answers with an empty picture."""

    def do_GET(self):
        ASKED.append(self.headers["Host"].split(":")[0])
        self.send_response(200)
        self.send_header("Content-Type", "image/svg+xml")
        # As any of these hosts may: what keeps a page from asking is its own policy alone.
        self.send_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.end_headers()
        self.wfile.write(b'<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"/>')

    def log_message(self, *_):
        pass


@contextmanager
def served(context=None):
    """Serve pictures on this computer, and give the port."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tiles) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def outside(tmp_path):
    """A server on this computer that is taken for the whole of the internet."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tiles")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())
    whole = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, *whole) + made.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "tiles.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tiles.pem")
    with served(context) as port:
        yield port


def test_pictures_come_from_the_chosen_host_only(launch, outside, serve, tmp_path):
    rules = f"--host-rules=MAP * 127.0.0.1:{outside} , EXCLUDE 127.0.0.1"
    browser = launch(rules, "--ignore-certificate-errors")
    address = serve(str(bundled_plan_path(bundled_places()[0])), config=tmp_path)
    for name, chosen in BASEMAPS.items():
        (tmp_path / "settings.toml").write_text(f'basemap = "{name}"\ntianditu_key = "k1"\n')
        page = browser.new_page()
        ASKED.clear()
        page.goto(address)
        page.frame_locator("iframe").locator(".leaflet-tile-loaded").first.wait_for(state="attached", timeout=60_000)
        frame = next(each for each in page.frames if "plan_map" in each.url)
        hosts = {host.removeprefix("https://") for host in chosen.hosts}
        assert set(ASKED) <= hosts
        wish = basemap_data(find_basemap(name, key="k1"), frame.evaluate("gridgeo.view.frameData.bounds"))
        assert (max(map(abs, wish["shift"])) > 0.001) == (name == "amap")
        pixel = frame.evaluate("360 / 256 / 2 ** gridgeo.view.map.getZoom()")
        assert frame.evaluate(OFFSET) == pytest.approx([-each for each in wish["shift"]], abs=pixel)
        # Neither the page nor the map's frame reaches another host, nor the chosen one for anything but pictures.
        others = [host for other in BASEMAPS if other != name for host in BASEMAPS[other].hosts]
        ASKED.clear()
        for each in (page, frame):
            for url in (*OUTSIDE, *others):
                assert each.evaluate(LOAD, url) == "refused"
            assert each.evaluate(FETCH, chosen.hosts[0]) == "refused"
        assert set(ASKED) <= hosts
        page.close()
    browser.close()


def test_an_offices_own_tiles_are_set_and_shown(visit, until, serve, tmp_path):
    """As a planner sets them: a slip is one sentence; a server that was not named is refused."""
    with served() as own, served() as other:
        address = serve(str(bundled_plan_path(bundled_places()[0])), config=tmp_path)
        seen = visit(lang="en-GB")
        page = seen.page
        page.goto(f"{address}/settings")
        page.get_by_text("Your office's own tile server").click()
        page.get_by_role("textbox", name="Address of your own tiles").fill("ftp://127.0.0.1/{z}/{x}/{y}")
        page.get_by_role("button", name="Save").first.click()
        page.get_by_text("is no address of tiles; nothing was changed.").wait_for()
        assert not (tmp_path / "settings.toml").exists()
        page.get_by_role("textbox", name="Address of your own tiles").fill(
            f"http://127.0.0.1:{own}/{{z}}/{{x}}/{{y}}.png"
        )
        page.get_by_role("button", name="Save").first.click()
        page.get_by_text("Saved").wait_for()
        ASKED.clear()
        page.get_by_role("link", name="Overview").click()
        page.frame_locator("iframe").locator(".leaflet-tile-loaded").first.wait_for(state="attached")
        frame = next(each for each in page.frames if "plan_map" in each.url)
        assert set(ASKED) == {"127.0.0.1"}
        assert frame.evaluate("gridgeo.view.tiles[0].options.shift") == [0, 0]
        assert frame.evaluate(LOAD, f"http://127.0.0.1:{own}/a.png") == "loaded"
        assert frame.evaluate(LOAD, f"http://127.0.0.1:{other}/a.png") == "refused"
        # The browser says so too.
        assert [f":{other}/" in each for each in seen.errors] == [True]
        seen.errors.clear()


OFFSET = """() => {
  const { map, tiles } = gridgeo.view;
  const { coords, el } = Object.values(tiles[0]._tiles)[0];
  const belongs = map.unproject([256 * coords.x, 256 * coords.y], coords.z);
  const [a, b] = [el.getBoundingClientRect(), map.getContainer().getBoundingClientRect()];
  const lies = map.containerPointToLatLng([a.left - b.left, a.top - b.top]);
  return [lies.lng - belongs.lng, lies.lat - belongs.lat];
}"""
LOAD = """(url) => new Promise((done) => {
  const picture = new Image();
  picture.onload = () => done("loaded");
  picture.onerror = () => done("refused");
  picture.src = url;
})"""
FETCH = """(url) => fetch(url, { mode: "no-cors" }).then(() => "loaded", () => "refused")"""
