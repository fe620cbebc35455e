"""A user's own wallet."""

from __future__ import annotations

from litestar import get

from shothik_payment.domain.use_cases.wallet_views import usage_of
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, call_of
from shothik_payment.entrypoints.http.cursors import number_of, optional_cursor
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.requests import PageQuery
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.http.views import transaction_view, wallet_view

_read_page = QueryReader(PageQuery).read

_GRANT = r.GrantView(
    id="grant_1a20001k5v0",
    source="purchase",
    amount=100,
    available=95,
    held=0,
    expires_at=None,
)
_USAGE = r.UsageView(
    service="slide_service",
    count=41,
    credits=410,
    limit=r.UsedLimitView(unit="count", allowed=50, remaining=9, near=True),
    resets_at="2030-02-28T12:00:00.000Z",
)
_ROW = r.TransactionView(
    id="txn_1a20001k5v8",
    number=2,
    kind="deduct",
    at="2030-01-31T12:00:00.000Z",
    amount=5,
    available_delta=-5,
    held_delta=0,
    debt_delta=0,
    balance_before=100,
    balance_after=95,
    new_balance=95,
    grants=[r.GrantPartView(grant_id=_GRANT.id, available_delta=-5, held_delta=0)],
    service="paraphrase_service",
    feature="text_paraphrase",
    hold_id=None,
    payment_id=None,
    reverses=None,
    reversed_total=0,
    reason=None,
    metadata={"document": "d1"},
    request_id="req-7f3a",
)


@get(
    "/wallet",
    opt=documented(
        Doc(
            summary="The caller's wallet and the grants in it, in the order they are spent",
            tag="wallet",
            caller=Caller.USER,
            answer=r.WalletReply(
                wallet=r.WalletView(
                    balance=95, status="active", held=0, debt=0, grants=[_GRANT], usage=[_USAGE]
                )
            ),
        )
    ),
)
async def wallet(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    caller = await door.user(call)
    views = call.app.wallet_views
    own = await views.wallet(caller.user_id)
    return reply(r.WalletReply(wallet=wallet_view(own, usage_of(own, views.rules()))))


@get(
    "/wallet/transactions",
    opt=documented(
        Doc(
            summary="The caller's ledger rows, newest first",
            tag="wallet",
            caller=Caller.USER,
            query=PageQuery,
            answer=r.TransactionsReply(transactions=[_ROW], next=None),
        )
    ),
)
async def transactions(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    caller = await door.user(call)
    query = _read_page(request.scope["query_string"])
    before = number_of("rows", "cursor", query.cursor)
    page = await call.app.wallet_views.history(caller.user_id, before, query.limit)
    views = [transaction_view(row) for row in page.transactions]
    return reply(r.TransactionsReply(transactions=views, next=optional_cursor("rows", page.next)))
