"""API keys rotated and revoked, one or many: a page says what will happen, the next what came of
it. A new key is in the answer itself, and nowhere after that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template
from msgspec import Meta, Struct

from shothik_payment.domain.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    PaymentServiceError,
)
from shothik_payment.domain.model.api_key import DEFAULT_GRACE_SECONDS, ApiKey
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.use_cases.api_keys import Rotation
from shothik_payment.domain.use_cases.key_bulk import Bulk, BulkAction, BulkResult
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.errors import failure
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.signing_in import refused
from shothik_payment.entrypoints.pages.visits import Visit, see_other, visit_of
from shothik_payment.entrypoints.panel.key_lists import PAGE, find_key

GRACES = (
    (0, "none: it ends at once"),
    (3_600, "1 hour"),
    (DEFAULT_GRACE_SECONDS, "1 day"),
    (7 * 86_400, "7 days"),
    (30 * 86_400, "30 days"),
)


_KeyIds = Annotated[list[f.Name], Meta(extra={"expected": "ids of keys"})]


class _Chosen(Struct, rename="camel", kw_only=True):
    key_ids: _KeyIds = []


class _Confirmed(Struct, rename="camel", kw_only=True):
    key_ids: f.KeyIds
    grace_seconds: f.GraceSeconds = DEFAULT_GRACE_SECONDS


@dataclass(frozen=True, slots=True)
class Made:
    """What came of one key. `plain` None: not shown again, or there is no new key."""

    key_id: str
    old: ApiKey | None = None
    new: ApiKey | None = None
    plain: str | None = None
    problem: PaymentServiceError | None = None


_CHOSEN = QueryReader(_Chosen)
_CONFIRMED = QueryReader(_Confirmed)


def _handlers(action: BulkAction) -> list[HTTPRouteHandler]:
    path = f"/keys/{action}"

    @get(path)
    async def ask(request: AnyRequest) -> Template:
        visit = await visit_of(request, Realm.ADMIN)
        return await _ask(visit, action, visit.query(_CHOSEN).key_ids)

    @post(path, status_code=200)
    async def act(request: AnyRequest) -> Template | Response[None]:
        visit = await visit_of(request, Realm.ADMIN)
        try:
            sent = await visit.form(request.receive, _CONFIRMED, f"{action} keys", visit.actor)
            bulk = Bulk(action, sent.fields.key_ids, grace_seconds=sent.fields.grace_seconds)
            async with visit.call.api.turns.turn(f"{visit.actor}\n{sent.request.key}"):
                results, _ = await visit.app.key_bulk.run(
                    bulk, actor=visit.actor, ip=door.client_ip(visit.call), request=sent.request
                )
            made = [_made(result) for result in results]
            if len(made) == 1 and made[0].problem is not None:
                raise made[0].problem
        except Forbidden:
            raise  # the form itself is not one that may be shown again
        except PaymentServiceError as error:
            page = await _ask(visit, action, visit.typed.get("keyIds", []), error)
            return refused(page, failure(visit.call, error))
        return _tell(visit, action, made)

    return [ask, act]


async def _ask(
    visit: Visit,
    action: BulkAction,
    key_ids: Sequence[str],
    problem: PaymentServiceError | None = None,
) -> Template:
    """Raises InvalidRequest for too many keys, NotFound where there is none of them."""
    wanted = list(dict.fromkeys(key_ids))
    if len(wanted) > PAGE:
        raise InvalidRequest.of("keyIds", f"at most {PAGE} keys at once")
    found = [(key_id, await find_key(visit.app, key_id)) for key_id in wanted]
    chosen = [key for _, key in found if key is not None]
    missing = [key_id for key_id, key in found if key is None]
    if missing and not chosen:
        raise NotFound("API key", missing[0])
    await visit.app.key_usage.show_last_use(chosen)
    return visit.show(
        "panel/keys_confirm.html",
        problem=problem,
        rotates=action is BulkAction.ROTATE,
        keys=chosen,
        missing=missing,
        now=visit.app.wall_clock.now(),
        graces=[(str(seconds), text) for seconds, text in GRACES],
        grace=(visit.typed.get("graceSeconds") or [str(DEFAULT_GRACE_SECONDS)])[-1],
    )


def _tell(visit: Visit, action: BulkAction, made: Sequence[Made]) -> Template | Response[None]:
    if action is BulkAction.REVOKE and len(made) == 1:
        return see_other(f"/admin/keys/{quote(made[0].key_id, safe='')}?done=revoked")
    return visit.show(
        "panel/keys_done.html",
        made=made,
        done=sum(one.problem is None for one in made),
        rotated=action is BulkAction.ROTATE,
    )


def _made(result: BulkResult) -> Made:
    outcome = result.outcome
    if isinstance(outcome, Rotation):
        return Made(result.key_id, outcome.old, outcome.key, outcome.plain)
    if isinstance(outcome, PaymentServiceError):
        return Made(result.key_id, problem=outcome)
    return Made(result.key_id, outcome)


HANDLERS = [*_handlers(BulkAction.ROTATE), *_handlers(BulkAction.REVOKE)]
