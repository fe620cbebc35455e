"""What services read: balances, access, the catalog, the blocklist."""

from __future__ import annotations

from litestar import get
from litestar.types import Receive

from shothik_payment.domain import errors as e
from shothik_payment.domain.model.api_key import Scope
from shothik_payment.domain.use_cases.quotas import shared_limit
from shothik_payment.domain.use_cases.spend import own_service
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http.answers import Answer, reply
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.cursors import optional_cursor, place_of
from shothik_payment.entrypoints.http.docs import Caller, Doc, documented
from shothik_payment.entrypoints.http.requests import AccessQuery, BlocklistQuery
from shothik_payment.entrypoints.http.times import optional_rfc3339, rfc3339
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.http.views import limit_view, sequence_text

BALANCE_PATH = "/balance/{userId:str}"
ACCESS_PATH = "/subscriptions/{userId:str}/validate-access"

_read_access = QueryReader(AccessQuery).read
_read_blocklist = QueryReader(BlocklistQuery).read


@get(
    BALANCE_PATH,
    opt=documented(
        Doc(
            summary="What a user can spend; nothing for a user never seen",
            tag="reads",
            caller=Caller.SERVICE,
            scope=Scope.CREDITS_READ,
            answer=r.BalanceReply(user_id="user_123", balance=100, held=0),
            limited=True,
        )
    ),
)
async def balance(request: AnyRequest) -> Answer:
    return await answer_balance(call_of(request.scope), request.receive)


async def answer_balance(call: Call, receive: Receive) -> Answer:
    await door.counted_service(call, Scope.CREDITS_READ)
    user_id = call.user_id()
    wallet = await call.app.wallet_views.wallet(user_id)
    return reply(r.BalanceReply(user_id=user_id, balance=wallet.available, held=wallet.held))


@get(
    [ACCESS_PATH, "/subscriptions/{userId:str}/validate"],
    opt=documented(
        Doc(
            summary="May the user use the service now, for so many units (absent: one credit)",
            tag="reads",
            caller=Caller.SERVICE,
            scope=Scope.ACCESS_READ,
            query=AccessQuery,
            answer=r.AccessReply(
                can_access=True,
                reason=None,
                subscription=r.PlanView(plan="pro", status="active"),
                current_period_end="2030-02-28T12:00:00.000Z",
                cancel_at_period_end=False,
                limits={
                    "slide_service": r.LimitView(
                        unit="count",
                        allowed=50,
                        used=40,
                        held=1,
                        remaining=9,
                        resets_at="2030-02-28T12:00:00.000Z",
                        near=True,
                    )
                },
                required=1,
                balance=100,
                held=0,
                causes=[],
            ),
            errors=(e.WrongService,),
            limited=True,
        )
    ),
)
async def access(request: AnyRequest) -> Answer:
    return await answer_access(call_of(request.scope), request.receive)


async def answer_access(call: Call, receive: Receive) -> Answer:
    caller = await door.counted_service(call, Scope.ACCESS_READ)
    user_id = call.user_id()
    query = _read_access(call.scope["query_string"])
    own_service(call.app.catalog, caller, query.service)
    found = await call.app.wallet_views.access(caller, user_id, query.units)
    return reply(
        r.AccessReply(
            can_access=found.can_access,
            reason=found.reason,
            subscription=r.PlanView(plan=found.plan, status=found.plan_status),
            current_period_end=optional_rfc3339(found.until),
            cancel_at_period_end=found.cancel_at_period_end,
            limits={} if found.limit is None else {caller.service.name: limit_view(found.limit)},
            required=found.required,
            balance=found.available,
            held=found.held,
            causes=[cause.value for cause in found.causes],
        )
    )


@get(
    "/services",
    opt=documented(
        Doc(
            summary="The catalog and its rate card: credits = ⌈units ÷ per⌉ × credits",
            tag="catalog",
            caller=Caller.SERVICE,
            scope=Scope.CATALOG_READ,
            answer=r.ServicesReply(
                services=[
                    r.ServiceView(
                        name="paraphrase_service",
                        slug="paraphrase",
                        unit="character",
                        per=100,
                        credits=1,
                        aliases=[],
                        rate_limit_per_hour=1000,
                    )
                ]
            ),
            limited=True,
        )
    ),
)
async def services(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    await door.counted_service(call, Scope.CATALOG_READ)
    views = [
        r.ServiceView(
            name=service.name,
            slug=service.slug,
            unit=service.unit,
            per=service.per,
            credits=service.credits,
            aliases=list(service.aliases),
            rate_limit_per_hour=shared_limit(service, call.api.settings.rate_limit_per_hour),
        )
        for service in call.app.catalog.services
    ]
    return reply(r.ServicesReply(services=views))


@get(
    "/blocklist",
    opt=documented(
        Doc(
            summary="The users stopped for this service now, by user id: read it after downtime",
            tag="reads",
            caller=Caller.SERVICE,
            scope=Scope.BLOCKLIST_READ,
            query=BlocklistQuery,
            answer=r.BlocklistReply(
                users=[
                    r.BlockedView(
                        user_id="user_123",
                        causes=["credits_gone"],
                        since="2030-01-31T12:00:00.000Z",
                        sequence="00000000000000000005",
                    )
                ],
                next=None,
            ),
        )
    ),
)
async def blocklist(request: AnyRequest) -> Answer:
    call = call_of(request.scope)
    caller = await door.service(call, Scope.BLOCKLIST_READ)
    query = _read_blocklist(request.scope["query_string"])
    after = place_of("blocked", "cursor", query.cursor)
    users, last = await call.app.wallet_views.blocklist(caller.service.name, after, query.limit)
    views = [
        r.BlockedView(
            user_id=user.user_id,
            causes=[cause.value for cause in user.causes],
            since=rfc3339(user.since),
            sequence=sequence_text(user.sequence),
        )
        for user in users
    ]
    return reply(r.BlocklistReply(users=views, next=optional_cursor("blocked", last)))


@get(
    "/packs",
    opt=documented(
        Doc(
            summary="The packs of credits on sale; prices in minor units",
            tag="catalog",
            caller=Caller.ANYONE,
            answer=r.PacksReply(
                packs=[
                    r.PackView(
                        id="credits_100",
                        title="100 credits",
                        credits=100,
                        prices=[r.PriceView(currency="USD", amount_minor=1000)],
                    )
                ]
            ),
        )
    ),
)
async def packs(request: AnyRequest) -> Answer:
    views = [
        r.PackView(
            id=pack.id,
            title=pack.title,
            credits=pack.credits,
            prices=[
                r.PriceView(currency=price.currency, amount_minor=price.amount_minor)
                for price in pack.prices.values()
            ],
        )
        for pack in call_of(request.scope).app.catalog.packs
    ]
    return reply(r.PacksReply(packs=views))
