"""What stands before the app: only names of its own are answered, and pages may load nothing from outside."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from app.serving.page import inline_scripts
from app.state.environment import HOSTS_VARIABLE
from app.state.settings import read_settings

HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""The names the app answers to. Another one in a request means that a foreign page points its own name here."""

_POLICY = "; ".join(
    (
        "default-src 'self'",
        " ".join(("script-src 'self'", *inline_scripts())),
        # Streamlit's pages write styles into elements.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:{tiles}",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Guard:
    """Refuses foreign host names and adds the headers that keep a page to itself.

    Parameters
    ----------
    app : Application
        The ASGI application behind it.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or one connection.

        Parameters
        ----------
        scope : dict
            What is asked.
        receive, send : callable
            The ASGI channel.
        """
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif not _is_own(scope):
            await _refuse(scope, send)
        else:
            await self.app(scope, receive, _with_headers(send))


def _is_own(scope: Message) -> bool:
    named = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    allowed = (*HOSTS, *os.environ.get(HOSTS_VARIABLE, "").split())
    return len(named) == 1 and _without_port(named[0]).lower() in allowed


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def policy_headers() -> list[tuple[bytes, bytes]]:
    """Return the headers that keep a page to itself, and to the base map that is chosen.

    Returns
    -------
    list of tuple of bytes
        Name and value.
    """
    basemap = read_settings().behind()
    policy = _POLICY.format(tiles="".join(f" {host}" for host in basemap.hosts) if basemap else "")
    return [(b"content-security-policy", policy.encode()), *_HEADERS]


def _with_headers(send: Send) -> Send:
    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *policy_headers()]}
        await send(message)

    return send_more


async def _refuse(scope: Message, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain"), *policy_headers()]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": b"421"})
