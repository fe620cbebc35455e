"""A user's own pages, at `/account`: nothing that the API would not give that user."""

from __future__ import annotations

from litestar import Router

from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.account import (
    balance,
    buying,
    history,
    payments,
    plan,
    plan_actions,
    plan_choice,
)
from shothik_payment.entrypoints.pages.signing_in import problem_pages, sign_in_handlers


def account_router() -> Router:
    return Router(
        f"/{Realm.ACCOUNT}",
        route_handlers=[
            *sign_in_handlers(Realm.ACCOUNT),
            balance.balance,
            history.history,
            plan.plan,
            *plan_choice.HANDLERS,
            *plan_actions.HANDLERS,
            buying.show,
            buying.buy,
            *payments.HANDLERS,
        ],
        exception_handlers=problem_pages(Realm.ACCOUNT),
        include_in_schema=False,
    )
