"""One user: what the wallet holds, and everything that has happened to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from litestar import get
from litestar.response import Template

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.ledger.coming_terms import coming_terms
from shothik_payment.domain.model.stop import Stop
from shothik_payment.domain.model.subscription import Subscription
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.domain.ports.event_log import START
from shothik_payment.domain.use_cases.wallet_views import usage_of
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.cursors import cursor, number_of, optional_cursor, place_of
from shothik_payment.entrypoints.http.requests import PageQuery
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.links import older
from shothik_payment.entrypoints.pages.visits import Visit, visit_of
from shothik_payment.entrypoints.panel.actions import DoneQuery, while_so
from shothik_payment.entrypoints.panel.shown_events import shown
from shothik_payment.entrypoints.panel.user_actions import user_page

_PAGE = QueryReader(PageQuery)
_DONE = QueryReader(DoneQuery)


def _current(wallet: Wallet) -> Subscription | None:
    found = wallet.subscription
    return None if found is None or found.ended else found


_STILL_SO: Mapping[str, Callable[[Wallet], object]] = {
    "frozen": lambda wallet: wallet.frozen,
    "unfrozen": lambda wallet: not wallet.frozen,
    "cancelled": lambda wallet: _current(wallet) is None,
    "ending": lambda wallet: (found := _current(wallet)) and found.cancel_at_period_end,
    "extended": _current,
    "given": _current,
}
_FEW = 5
_LATEST = 10
_PATH = "/users/{userId:str}"


@dataclass(frozen=True, slots=True)
class StoppedService:
    """`title` None: every service."""

    title: str | None
    stop: Stop


def stopped_services(wallet: Wallet, catalog: Catalog) -> list[StoppedService]:
    """The causes that stop the user now, oldest first."""
    found = []
    for stop in sorted(wallet.stops, key=lambda stop: stop.since):
        service = None if stop.service is None else catalog.find_service(stop.service)
        title = stop.service if service is None else service.title or service.name
        found.append(StoppedService(title, stop))
    return found


async def _of_user(request: AnyRequest) -> tuple[Visit, Wallet]:
    visit = await visit_of(request, Realm.ADMIN)
    return visit, await visit.app.wallet_views.wallet(visit.call.user_id())


def _show(visit: Visit, wallet: Wallet, tab: str, **context: Any) -> Template:
    """`tab`: the last part of the page's path."""
    return visit.show(f"panel/user_{tab or 'wallet'}.html", wallet=wallet, tab=tab, **context)


def _list(
    visit: Visit, wallet: Wallet, tab: str, query: PageQuery, place: str | None, **context: Any
) -> Template:
    """A page of a list that goes on at the cursor `place`."""
    path = f"{user_page(visit, wallet.user_id)}/{tab}"
    newest = path if query.cursor else None
    return _show(
        visit, wallet, tab, older=older(path, query, place), newest=newest, **context
    )  # fmt: skip


@get(_PATH)
async def user(request: AnyRequest) -> Template:
    visit, wallet = await _of_user(request)
    app = visit.app
    payments, _ = await app.checkouts.of_user(wallet.user_id, None, _FEW)
    latest = await app.wallet_views.history(wallet.user_id, None, _LATEST)
    return _show(
        visit,
        wallet,
        "",
        stops=stopped_services(wallet, app.catalog),
        usage=usage_of(wallet, app.wallet_views.rules()),
        free=app.catalog.billing.free,
        payments=payments,
        rows=latest.transactions,
        done=while_so(visit.query(_DONE).done, _STILL_SO, wallet),
    )


@get(f"{_PATH}/ledger")
async def ledger(request: AnyRequest) -> Template:
    visit, wallet = await _of_user(request)
    query = visit.query(_PAGE)
    before = number_of("rows", "cursor", query.cursor)
    page = await visit.app.wallet_views.history(wallet.user_id, before, query.limit)
    place = optional_cursor("rows", page.next)
    return _list(visit, wallet, "ledger", query, place, rows=page.transactions)


@get(f"{_PATH}/subscription")
async def subscription(request: AnyRequest) -> Template:
    visit, wallet = await _of_user(request)
    app, query = visit.app, visit.query(_PAGE)
    before = number_of("steps", "cursor", query.cursor)
    steps, last = await app.subscriptions.history(wallet.user_id, before, query.limit)
    current, found = await app.subscriptions.current(wallet.user_id), wallet.subscription
    return _list(
        visit,
        wallet,
        "subscription",
        query,
        optional_cursor("steps", last),
        awaited=current.payment,
        coming=found and coming_terms(app.catalog.billing, found),
        usage=usage_of(wallet, app.wallet_views.rules()),
        free=app.catalog.billing.free,
        catalog=app.catalog,
        steps=steps,
        done=while_so(visit.query(_DONE).done, _STILL_SO, wallet),
    )


@get(f"{_PATH}/payments")
async def payments(request: AnyRequest) -> Template:
    visit, wallet = await _of_user(request)
    query = visit.query(_PAGE)
    before = place_of("payments", "cursor", query.cursor)
    page, last = await visit.app.checkouts.of_user(wallet.user_id, before, query.limit)
    place = optional_cursor("payments", last)
    return _list(visit, wallet, "payments", query, place, payments=page)


@get(f"{_PATH}/events")
async def events(request: AnyRequest) -> Template:
    visit, wallet = await _of_user(request)
    query = visit.query(_PAGE)
    before = place_of("events", "cursor", query.cursor)
    found = await visit.app.events.latest(query.limit + 1, wallet.user_id, before=before or START)
    page = found[: query.limit]
    place = cursor("events", page[-1].position) if len(found) > query.limit else None
    return _list(visit, wallet, "events", query, place, events=shown(page))


HANDLERS = [user, ledger, subscription, payments, events]
