"""The admin panel, at `/admin`."""

from __future__ import annotations

from litestar import Router

from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.pages.signing_in import problem_pages, sign_in_handlers
from shothik_payment.entrypoints.panel import overview


def panel_router() -> Router:
    return Router(
        f"/{Realm.ADMIN}",
        route_handlers=[*sign_in_handlers(Realm.ADMIN), overview.overview],
        exception_handlers=problem_pages(Realm.ADMIN),
        include_in_schema=False,
    )
