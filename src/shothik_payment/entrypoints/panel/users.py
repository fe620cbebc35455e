"""Finding a user, and the list of those who are stopped."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get
from litestar.response import Template
from msgspec import Meta

from shothik_payment.domain.errors import InvalidRequest, PaymentServiceError
from shothik_payment.domain.model.identifiers import USER_ID_SHAPE, is_user_id
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.cursors import cursor, optional_cursor, place_of
from shothik_payment.entrypoints.http.errors import failure
from shothik_payment.entrypoints.http.requests import PageQuery
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.links import older
from shothik_payment.entrypoints.pages.signing_in import refused
from shothik_payment.entrypoints.pages.visits import Visit, see_other, visit_of
from shothik_payment.entrypoints.panel.user_actions import user_page
from shothik_payment.entrypoints.panel.user_pages import stopped_services

_Text = Annotated[str, Meta(max_length=200, extra={"expected": "at most 200 characters"})]


class UsersQuery(PageQuery, kw_only=True):
    find: _Text | None = None


_QUERY = QueryReader(UsersQuery)


@get("/users")
async def users(request: AnyRequest) -> Template | Response[None]:
    visit = await visit_of(request, Realm.ADMIN)
    typed = request.query_params.get("find", "")
    try:
        query = visit.query(_QUERY)
        if query.find is None:
            return await _stopped(visit, query)
        return see_other(await _find(visit, query.find.strip()))
    except PaymentServiceError as error:
        page = await _stopped(visit, UsersQuery(), typed, error)
        return refused(page, failure(visit.call, error))


async def _find(visit: Visit, text: str) -> str:
    """Where it is shown: a ledger row and a payment by their id, else the user so called. Raises
    InvalidRequest."""
    if text.startswith("txn_"):
        row = await visit.app.wallets.transaction(text)
        if row is not None:
            ledger = f"{user_page(visit, row.user_id)}/ledger"
            return f"{ledger}?cursor={cursor('rows', row.number + 1)}#row-{row.number}"
    if text.startswith("pay_") and await visit.app.payments.get(text):
        return f"/{visit.realm}/payments/{text}"
    if text.startswith(("txn_", "pay_")) and not await _is_known(visit, text):
        raise InvalidRequest.of("find", "the id of a ledger row or a payment that there is")
    if not is_user_id(text):
        raise InvalidRequest.of("find", f"a user id ({USER_ID_SHAPE}), or that of a ledger row")
    return user_page(visit, text)


async def _is_known(visit: Visit, text: str) -> bool:
    """Whether there is a user so called."""
    return is_user_id(text) and bool((await visit.app.wallet_views.wallet(text)).version)


async def _stopped(
    visit: Visit, query: UsersQuery, typed: str = "", problem: PaymentServiceError | None = None
) -> Template:
    after = place_of("stopped", "cursor", query.cursor)
    page = await visit.app.wallets.stopped(None, after, query.limit)
    catalog, path = visit.app.catalog, f"/{visit.realm}/users"
    return visit.show(
        "panel/users.html",
        problem=problem,
        find=typed,
        stopped=[(wallet, stopped_services(wallet, catalog)) for wallet in page.wallets],
        older=older(path, query, optional_cursor("stopped", page.next)),
        newest=path if query.cursor else None,
    )
