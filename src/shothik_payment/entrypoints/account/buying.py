"""Credits to buy: packs, and any number."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Response, get, post
from litestar.response import Template
from msgspec import Struct

from shothik_payment.domain.catalog import Catalog, Pack
from shothik_payment.domain.errors import Forbidden, PaymentServiceError
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.account.paying import (
    WAY,
    WayQuery,
    onward,
    require_initiate,
    return_address,
    ways_of,
)
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.errors import failure
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.signing_in import refused
from shothik_payment.entrypoints.pages.visits import Submitted, Visit, see_other, visit_of


class BuyForm(Struct, rename="camel", kw_only=True):
    pack_id: f.Name | None = None
    credits: f.Amount | None = None
    gateway: f.Name | None = None
    currency: f.Currency | None = None


_FORM = QueryReader(BuyForm)
_OPERATION = "POST /payments/initiate"


@dataclass(frozen=True, slots=True)
class Offer:
    """A pack in the currency chosen. `saved`: so many percent less than its credits one by one."""

    pack: Pack
    price: Money
    saved: int


def offers(catalog: Catalog, currency: str) -> list[Offer]:
    single = catalog.credit_prices.get(currency)
    found = []
    for pack in catalog.packs:
        price = pack.prices.get(currency)
        if price is None:
            continue
        singly = 0 if single is None else single.amount_minor * pack.credits
        saved = (singly - price.amount_minor) * 100 // singly if singly else 0
        found.append(Offer(pack, price, max(0, saved)))
    return found


@get("/buy")
async def show(request: AnyRequest) -> Template:
    visit = await visit_of(request, Realm.ACCOUNT)
    return await _page(visit, visit.query(WAY))


@post("/buy", status_code=200)
async def buy(request: AnyRequest) -> Template | Response[None]:
    visit = await visit_of(request, Realm.ACCOUNT)
    try:
        sent = await visit.form(request.receive, _FORM, _OPERATION, visit.user_id)
        async with visit.call.api.turns.turn(sent.request.key):
            return see_other(await _open(visit, sent))
    except Forbidden:
        raise  # the form itself is not one that may be shown again
    except PaymentServiceError as error:
        wanted = {name: visit.typed.get(name, [None])[0] for name in ("currency", "gateway")}
        return await _page(visit, WayQuery(**wanted), error)


async def _open(visit: Visit, sent: Submitted[BuyForm]) -> str:
    """Where to go on."""
    await require_initiate(visit)
    back = return_address(visit)
    outcome = await visit.app.checkouts.initiate(
        visit.user_id,
        pack_id=sent.fields.pack_id,
        credits=sent.fields.credits,
        gateway=sent.fields.gateway,
        currency=sent.fields.currency,
        success_url=back,
        cancel_url=back,
        request=sent.request,
    )
    if outcome.payment is None:
        raise RuntimeError("a checkout without a payment")
    return onward(visit, outcome.payment)


async def _page(
    visit: Visit, wanted: WayQuery, problem: PaymentServiceError | None = None
) -> Template:
    catalog = visit.app.catalog
    sold_in = [c for pack in catalog.packs for c in pack.prices]
    ways = ways_of(visit, dict.fromkeys([*sold_in, *catalog.credit_prices]), wanted)
    page = visit.show(
        "account/buy.html",
        problem=problem,
        wallet=await visit.app.wallet_views.wallet(visit.user_id),
        ways=ways,
        offers=offers(catalog, ways.currency or ""),
        single=catalog.credit_prices.get(ways.currency or ""),
        least=catalog.min_purchase,
        most=catalog.max_purchase,
        typed=visit.typed.get("credits", [""])[0],
    )
    return page if problem is None else refused(page, failure(visit.call, problem))
