"""What has no route: a browser below a realm of pages is told so on a page."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandler

from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.pages.signing_in import problem_pages


def lost_pages(otherwise: ExceptionHandler[Any]) -> ExceptionHandler[Any]:
    """For the whole application, since what matches no route is nobody's. `otherwise` answers
    programs, and browsers elsewhere."""
    pages = {f"/{realm}": problem_pages(realm)[HTTPException] for realm in Realm}

    def refuse(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        # Not by its URL: of `OPTIONS *` that has no path.
        top = "/" + request.scope["path"].lstrip("/").partition("/")[0]
        asks_for_page = "text/html" in request.headers.get("accept", "")
        show = pages.get(top, otherwise) if asks_for_page else otherwise
        return show(request, error)

    return refuse
