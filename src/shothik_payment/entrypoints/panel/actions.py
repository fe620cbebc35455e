"""What operators change, by the actions that all pages share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.handlers import HTTPRouteHandler

from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.pages import actions
from shothik_payment.entrypoints.pages.actions import Action, DoneQuery, Field, while_so
from shothik_payment.entrypoints.pages.visits import Visit

__all__ = ["REASON", "Action", "DoneQuery", "Field", "action_handlers", "while_so"]

REASON: Field = {
    "name": "reason",
    "label": "Reason",
    "required": True,
    "attributes": {"maxlength": 500, "autocomplete": "off"},
}


def action_handlers(
    path: str, action_of: Callable[[Visit], Awaitable[Action[Any]]]
) -> list[HTTPRouteHandler]:
    return actions.action_handlers(Realm.ADMIN, path, action_of)
