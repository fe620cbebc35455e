"""API keys made and changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.response import Template
from msgspec import Meta, Struct

from shothik_payment.domain.errors import Forbidden, InvalidRequest, PaymentServiceError
from shothik_payment.domain.model.api_key import ApiKey, Scope
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.use_cases.key_terms import UNSET, KeyUpdate
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.errors import failure
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.moments import LocalMoment, moment
from shothik_payment.entrypoints.pages.signing_in import refused
from shothik_payment.entrypoints.pages.visits import Visit, see_other, visit_of

_MAX_TEXT = 8_000
_WAS = "was_"
"""What a field of the form said when it was loaded is sent along under this and its name."""

Addresses = Annotated[str, Meta(max_length=_MAX_TEXT, extra={"expected": "addresses or networks"})]


class _Terms(Struct, rename="camel", kw_only=True):
    name: f.Name | None = None
    scopes: f.KeyScopes = []
    expires_at: LocalMoment | None = None
    allowed_ips: Addresses | None = None
    rate_limit: f.Amount | None = None


class _New(_Terms, rename="camel", kw_only=True):
    service: f.Name


_NEW = QueryReader(_New)
_CHANGED = QueryReader(_Terms)


@get("/keys/new")
async def ask_for_new(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    service = request.query_params.get("service", "")
    return _show_new(visit, {"service": [service], "scopes": list(Scope)})


@post("/keys/new", status_code=200)
async def generate(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    try:
        sent = await visit.form(request.receive, _NEW, "make a key", visit.actor)
        terms = sent.fields
        async with visit.call.api.turns.turn(f"{visit.actor}\n{sent.request.key}"):
            key, plain = await visit.app.key_administration.generate(
                terms.service,
                actor=visit.actor,
                name=terms.name,
                scopes=_some(terms.scopes),
                expires_at=moment("expiresAt", terms.expires_at, visit.form_zone),
                allowed_ips=_networks(terms.allowed_ips),
                rate_limit=terms.rate_limit,
                ip=door.client_ip(visit.call),
                request=sent.request,
            )
    except Forbidden:
        raise  # the form itself is not one that may be shown again
    except PaymentServiceError as error:
        return refused(_show_new(visit, visit.typed, error), failure(visit.call, error))
    return visit.show("panel/key_made.html", key=key, plain=plain)


@get("/keys/{keyId:str}/change")
async def ask_for_changes(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    key = await visit.app.key_administration.get(visit.call.path_name("keyId"))
    now = _typed(key, visit.zone)
    return _show_change(visit, key, now | {_WAS + name: texts for name, texts in now.items()})


@post("/keys/{keyId:str}/change", status_code=200)
async def change(request: AnyRequest) -> Template | Response[None]:
    visit = await visit_of(request, Realm.ADMIN)
    administration = visit.app.key_administration
    key = await administration.get(visit.call.path_name("keyId"))
    try:
        sent = await visit.form(request.receive, _CHANGED, "change a key", key.id)
        async with visit.call.api.turns.turn(f"{key.id}\n{sent.request.key}"):
            await administration.update(
                key.id,
                _update(sent.fields, visit),
                actor=visit.actor,
                ip=door.client_ip(visit.call),
                request=sent.request,
            )
    except Forbidden:
        raise
    except PaymentServiceError as error:
        return refused(_show_change(visit, key, visit.typed, error), failure(visit.call, error))
    return see_other(f"/admin/keys/{quote(key.id, safe='')}?done=changed")


def _update(terms: _Terms, visit: Visit) -> KeyUpdate:
    """A field that was left blank is lifted; one that says what it said when the form was loaded is
    left alone: another admin may have changed the key since, and an end is shown in whole minutes.
    """

    def kept(name: str) -> bool:
        return sorted(visit.typed.get(_WAS + name, [])) == sorted(visit.typed.get(name, []))

    end = terms.expires_at
    return KeyUpdate(
        name=UNSET if terms.name is None or kept("name") else terms.name,
        scopes=UNSET if kept("scopes") else _some(terms.scopes),
        expires_at=UNSET if kept("expiresAt") else moment("expiresAt", end, visit.form_zone),
        allowed_ips=UNSET if kept("allowedIps") else _networks(terms.allowed_ips),
        rate_limit=UNSET if kept("rateLimit") else terms.rate_limit,
    )


def _some(scopes: Sequence[Scope]) -> Sequence[Scope]:
    """Raises InvalidRequest: a key that may do nothing is a slip of the hand."""
    if not scopes:
        raise InvalidRequest.of("scopes", "at least one scope")
    return scopes


def _networks(text: str | None) -> list[str]:
    return [] if text is None else re.split(r"[\s,;]+", text.strip(" \t\n,;"))


def _typed(key: ApiKey, zone: ZoneInfo) -> dict[str, list[str]]:
    """What the key has, as the form would say it."""
    return {
        "name": [key.name],
        "scopes": list(key.scopes),
        "expiresAt": [_local(key.expires_at, zone) or ""],
        "allowedIps": ["\n".join(key.allowed_ips)],
        "rateLimit": ["" if key.rate_limit is None else str(key.rate_limit)],
    }


def _local(at: Millis | None, zone: ZoneInfo) -> str | None:
    """As a browser's field for a date and time has it."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def _show_new(
    visit: Visit,
    typed: dict[str, list[str]],
    problem: PaymentServiceError | None = None,
) -> Template:
    services = [(s.name, s.title or s.slug) for s in visit.app.catalog.services]
    return _show(visit, None, typed, problem, services=[("", "Choose one"), *services])


def _show_change(
    visit: Visit,
    key: ApiKey,
    typed: dict[str, list[str]],
    problem: PaymentServiceError | None = None,
) -> Template:
    was = {name: texts for name, texts in typed.items() if name.startswith(_WAS)}
    return _show(visit, key, typed, problem, was=was)


def _show(
    visit: Visit,
    key: ApiKey | None,
    typed: dict[str, list[str]],
    problem: PaymentServiceError | None,
    **context: Any,
) -> Template:
    names = ("service", "name", "expiresAt", "allowedIps", "rateLimit")
    return visit.show(
        "panel/key_form.html",
        problem=problem,
        key=key,
        typed={name: (typed.get(name) or [""])[-1] for name in names},
        chosen=typed.get("scopes", []),
        scopes=[(scope.value, _MEANINGS[scope]) for scope in Scope],
        **context,
    )


_MEANINGS = {
    Scope.CREDITS_DEDUCT: "take credits",
    Scope.CREDITS_READ: "read balances",
    Scope.CREDITS_REVERSE: "give back what it took",
    Scope.HOLDS_WRITE: "hold credits, and capture or release them",
    Scope.ACCESS_READ: "ask whether a user may use the service",
    Scope.CATALOG_READ: "read services and rates",
    Scope.BLOCKLIST_READ: "read which users are stopped",
}


HANDLERS = [ask_for_new, generate, ask_for_changes, change]
