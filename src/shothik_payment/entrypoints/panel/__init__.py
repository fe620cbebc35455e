"""The admin panel, at `/admin`."""

from __future__ import annotations

from litestar import Router

from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.pages.signing_in import problem_pages, sign_in_handlers
from shothik_payment.entrypoints.panel import (
    catalog,
    events,
    key_forms,
    key_lists,
    key_pages,
    key_rotation,
    overview,
    payment_actions,
    payment_page,
    payments,
    replay,
    subscription_actions,
    user_actions,
    user_pages,
    users,
)


def panel_router() -> Router:
    return Router(
        f"/{Realm.ADMIN}",
        route_handlers=[
            *sign_in_handlers(Realm.ADMIN),
            overview.overview,
            catalog.catalog,
            key_lists.keys,
            key_pages.key,
            *key_forms.HANDLERS,
            *key_rotation.HANDLERS,
            users.users,
            *user_pages.HANDLERS,
            *user_actions.HANDLERS,
            *subscription_actions.HANDLERS,
            payment_page.payment,
            payments.payments,
            payments.review,
            *payment_actions.HANDLERS,
            events.events,
            events.newer,
            *replay.HANDLERS,
        ],
        exception_handlers=problem_pages(Realm.ADMIN),
        include_in_schema=False,
    )
