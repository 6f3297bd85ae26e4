"""The address under which a map fetches the squares of a large layer."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.state.chunks import chunk


async def _answer(request: Request) -> Response:
    found = chunk(request.path_params["address"], request.path_params["number"])
    if found is None:
        return Response(status_code=404)
    # Squares never change under one address.
    return Response(found, media_type="application/octet-stream", headers={"cache-control": "private, max-age=86400"})


ROUTE = Route("/chunks/{address:str}/{number:int}", _answer)
"""For ``st.App``; its pages' own addresses begin otherwise."""
