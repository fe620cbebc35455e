"""A user's own pages, at `/account`."""

from __future__ import annotations

from litestar import Router

from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.account import balance
from shothik_payment.entrypoints.pages.signing_in import problem_pages, sign_in_handlers


def account_router() -> Router:
    return Router(
        f"/{Realm.ACCOUNT}",
        route_handlers=[*sign_in_handlers(Realm.ACCOUNT), balance.balance],
        exception_handlers=problem_pages(Realm.ACCOUNT),
        include_in_schema=False,
    )
