"""The address under which a map fetches the bytes of a large layer."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.state.chunks import chunk


async def _answer(request: Request) -> Response:
    found = chunk(request.path_params["address"], request.path_params["number"])
    if found is None:
        # Not an error in the reader's console: the map then asks the app to show the layer anew.
        return Response(status_code=204)
    # What stands under one address never changes. Packing ten megabytes anew for each page would take half a second of
    # the server, and make a third less of them.
    headers = {"cache-control": "private, max-age=86400, immutable", "content-encoding": "identity"}
    return Response(found, media_type="application/octet-stream", headers=headers)


ROUTE = Route("/chunks/{address:str}/{number:int}", _answer)
"""For ``st.App``; its pages' own addresses begin otherwise."""
