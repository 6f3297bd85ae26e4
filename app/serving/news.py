"""The address under which a map asks whether the plan is another one since."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.state.news import latest


async def _answer(request: Request) -> Response:
    found = latest(request.path_params["address"])
    if found is None:
        # Not an error in the reader's console: the server was started anew, and the page is about to be drawn again.
        return Response(status_code=204)
    return Response(found, media_type="text/plain", headers={"cache-control": "no-store"})


ROUTE = Route("/news/{address:str}", _answer)
"""For ``st.App``; its pages' own addresses begin otherwise."""
