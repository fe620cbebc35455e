"""Finding API keys: by service, status, name, id or the last characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from litestar import get
from litestar.response import Template
from msgspec import Meta, Struct

from shothik_payment.domain.errors import InvalidRequest, NotFound
from shothik_payment.domain.model.api_key import ENDS_SOON, ApiKey, ApiKeyStatus
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.cursors import optional_cursor, place_of
from shothik_payment.entrypoints.http.errors import failure
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.links import with_query
from shothik_payment.entrypoints.pages.signing_in import refused
from shothik_payment.entrypoints.pages.visits import Visit, visit_of

PAGE = 40
"""Keys on a page: with one box each, a form of them stays below the most fields of one."""
_LOOK = 500
_MOST_LOOKED_AT = 2_000
_CURSOR = "panel keys"


class Shown(StrEnum):
    """Which keys are listed. ENDING: active ones that end within a week."""

    ACTIVE = "active"
    ENDING = "ending"
    EXPIRED = "expired"
    REVOKED = "revoked"


class KeysFilter(Struct, kw_only=True):
    service: f.Name | None = None
    status: Annotated[Shown, Meta(extra={"expected": "active, ending, expired or revoked"})] | (
        None
    ) = None
    q: f.Name | None = None
    cursor: f.Cursor | None = None


_QUERY = QueryReader(KeysFilter)


@dataclass(frozen=True, slots=True)
class Found:
    """`next`: after which key to go on, None at the end; `cut` where the look ended early, with
    fewer keys than a page holds."""

    keys: Sequence[ApiKey]
    next: str | None
    cut: bool = False


@get("/keys")
async def keys(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ADMIN)
    try:
        query = visit.query(_QUERY)
        after = place_of(_CURSOR, "cursor", query.cursor)
        found = await _find(visit.app, query, after)
    except InvalidRequest as error:
        typed = KeysFilter(q=request.query_params.get("q"))
        return refused(
            await _show(visit, typed, None, Found([], None), error), failure(visit.call, error)
        )
    return await _show(visit, query, after, found)


async def _show(
    visit: Visit,
    query: KeysFilter,
    after: str | None,
    found: Found,
    problem: InvalidRequest | None = None,
) -> Template:
    app = visit.app
    await app.key_usage.show_last_use(found.keys)
    chosen: dict[str, Any] = {"service": query.service, "status": query.status, "q": query.q}
    following = optional_cursor(_CURSOR, found.next)
    return visit.show(
        "panel/keys.html",
        problem=problem,
        keys=found.keys,
        query=query,
        now=app.wall_clock.now(),
        ends_soon=ENDS_SOON,
        cut=found.cut,
        filtered=any(chosen.values()),
        first=with_query("/admin/keys", **chosen) if after else None,
        next=following and with_query("/admin/keys", **chosen, cursor=following),
        services=[(s.name, s.title or s.slug) for s in app.catalog.services],
    )


async def _find(app: Application, query: KeysFilter, after: str | None) -> Found:
    if query.q is not None and query.q.startswith("key_"):
        one = await find_key(app, query.q)
        if one is not None:
            return Found([one], None)
    needle = "" if query.q is None else query.q.casefold()
    if query.status is Shown.ENDING:
        ending = await app.key_administration.ending_soon(_MOST_LOOKED_AT)
        found = [key for key in ending if _fits(key, needle, query.service)]
        return Found(found[:PAGE], None, cut=len(found) > PAGE)
    status = None if query.status is None else ApiKeyStatus(query.status)
    if needle:
        return await _search(app, needle, query.service, status, after)
    return Found(*await _newest(app, query.service, after, PAGE, status))


async def _newest(
    app: Application,
    service: str | None,
    after: str | None,
    limit: int,
    status: ApiKeyStatus | None,
) -> tuple[Sequence[ApiKey], str | None]:
    return await app.key_administration.list(service, after, limit, status, newest_first=True)


async def _search(
    app: Application,
    needle: str,
    service: str | None,
    status: ApiKeyStatus | None,
    after: str | None,
) -> Found:
    """No index knows parts of names: so many keys are looked at, not all of a store."""
    found: list[ApiKey] = []
    looked = 0
    while looked < _MOST_LOOKED_AT:
        page, last = await _newest(app, service, after, _LOOK, status)
        for key in page:
            if _fits(key, needle, None):
                found.append(key)
                if len(found) == PAGE:
                    return Found(found, key.id)
        if last is None:
            return Found(found, None)
        after, looked = last, looked + len(page)
    return Found(found, after, cut=True)


async def find_key(app: Application, key_id: str) -> ApiKey | None:
    """None: there is none of this id."""
    try:
        return await app.key_administration.get(key_id)
    except NotFound:
        return None


def _fits(key: ApiKey, needle: str, service: str | None) -> bool:
    """People paste the end of a key with or without what stands before it."""
    if service is not None and key.service != service:
        return False
    last4 = key.last4.casefold()
    return needle in key.name.casefold() or (len(needle) >= len(last4) and needle.endswith(last4))
