"""The busiest routes, without Litestar's routing, layers, request and response objects, which take
as long as the answer itself. They are made of the same parts as the others, and Litestar knows
them as well: for other methods, other spellings of the path, and the documentation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from litestar.types import HTTPScope, Receive, Send

from shothik_payment.domain.errors import PaymentServiceError
from shothik_payment.entrypoints.http.answers import Answer
from shothik_payment.entrypoints.http.call import Call
from shothik_payment.entrypoints.http.errors import failure, surprise

Answering = Callable[[Call, Receive], Awaitable[Answer]]


class DirectRoute(NamedTuple):
    """`front` and `back` are what its path has before and behind the user's id; without an id,
    `front` is the whole path and `back` None."""

    method: str
    template: str
    front: str
    back: str | None
    answer: Answering


def direct_route(method: str, path: str, answer: Answering) -> DirectRoute:
    """`path` as Litestar has it: with nothing to be filled in, or `{userId:str}`."""
    front, found, back = path.partition("{userId:str}")
    template = path.replace(":str", "")
    return DirectRoute(method, template, front, back if found else None, answer)


def route_for(routes: list[DirectRoute], method: str, scope: HTTPScope) -> Answering | None:
    """Whoever answers; the scope has what Litestar would have written into it."""
    path = scope["path"]
    for route in routes:
        if method != route.method or not path.startswith(route.front):
            continue
        rest = path[len(route.front) :]
        if route.back is None:
            if rest:
                continue
            scope["path_params"] = {}
        else:
            if not rest.endswith(route.back):
                continue
            user_id = rest[: len(rest) - len(route.back)]
            if not user_id or "/" in user_id:
                continue
            scope["path_params"] = {"userId": user_id}
        scope["path_template"] = route.template
        return route.answer
    return None


async def answer_directly(call: Call, answer: Answering, receive: Receive, send: Send) -> None:
    try:
        answered = await answer(call, receive)
    except PaymentServiceError as error:
        answered = failure(call, error)
    except Exception as error:  # noqa: BLE001 as Litestar does around the others
        answered = surprise(call, error)
    await answered(call.scope, receive, send)
