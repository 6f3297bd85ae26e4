"""The page that the browser loads first: Streamlit's own, told where its server is."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.parts.language import find_language
from app.state.address import PAGES

_SPOKEN = {"zh": "zh-CN", "en": "en"}

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)

# Opened at a page's own address, Streamlit would first look for its server below that page, in vain.
_WHERE = '<script>window.__streamlit = { BACKEND_BASE_URL: new URL(".", window.location).href };</script>'


def _read_page() -> str:
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    return page.replace("<head>", f"<head>{_WHERE}", 1).replace("<title>Streamlit</title>", "<title>gridgeo</title>")


_PAGE = _read_page()


def inline_scripts() -> list[str]:
    """Name the few lines of script inside the page by their hashes, so that no others run.

    Returns
    -------
    list of str
        Sources for a content-security policy.
    """
    found = (sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(_PAGE))
    return [f"'sha256-{b64encode(digest).decode()}'" for digest in found]


async def _answer(request: Request) -> HTMLResponse:
    lang = find_language(request.query_params.get("lang"), request.headers.get("accept-language"))
    # Browsers choose the shapes of Chinese characters by it, and screen readers their voice.
    page = _PAGE.replace('<html lang="en">', f'<html lang="{_SPOKEN[lang]}">', 1)
    return HTMLResponse(page, headers={"cache-control": "no-cache"})


ROUTES = [Route(f"/{name}", _answer) for name in ("", *PAGES)]
"""For ``st.App``: the addresses of all pages."""
