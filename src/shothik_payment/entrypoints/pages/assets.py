"""Style and script: from this service only, and kept by browsers until they change."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from litestar import Response, Router, get
from litestar.exceptions import NotFoundException

from shothik_payment.entrypoints.http.call import AnyRequest

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
_FOLDER = files(__package__) / "static"


@cache
def _content(name: str) -> tuple[bytes, str]:
    """The file's bytes, and a name for just these."""
    body = (_FOLDER / name).read_bytes()
    return body, hashlib.sha256(body).hexdigest()[:16]


_NAMES = tuple(entry.name for entry in _FOLDER.iterdir() if entry.name.split(".")[-1] in _TYPES)


def asset(name: str) -> str:
    """The address of a file in `static`."""
    return f"/assets/{_content(name)[1]}/{name}"


@get("/{version:str}/{name:str}")
async def _serve(request: AnyRequest) -> Response[bytes]:
    version, name = request.path_params["version"], request.path_params["name"]
    if name not in _NAMES:
        raise NotFoundException
    body, current = _content(name)
    # Somebody who asks for another release's gets this one's, but does not keep it.
    keep = "public, max-age=31536000, immutable" if version == current else "no-store"
    return Response(
        body,
        media_type=_TYPES[name.rsplit(".", 1)[1]],
        headers={"Cache-Control": keep, "X-Content-Type-Options": "nosniff"},
    )


assets = Router("/assets", route_handlers=[_serve], include_in_schema=False)
