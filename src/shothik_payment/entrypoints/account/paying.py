"""What leads to a gateway: in which currencies, through which one, how often, and back again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from msgspec import Struct

from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment
from shothik_payment.domain.use_cases.principals import UserPrincipal
from shothik_payment.entrypoints.http import door
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.visits import Visit


class WayQuery(Struct):
    currency: f.Currency | None = None
    gateway: f.Name | None = None


WAY = QueryReader(WayQuery)


@dataclass(frozen=True, slots=True)
class Ways:
    """How something may be paid: `currencies` that it is sold in and some gateway takes, and the
    `gateways` that take the `currency` chosen. Both choices None: nothing takes money for it."""

    currencies: tuple[str, ...]
    currency: str | None
    gateways: tuple[str, ...]
    gateway: str | None


def ways_of(visit: Visit, sold_in: Iterable[str], wanted: WayQuery) -> Ways:
    """What is wanted and not to be had is as if it were not asked for."""
    taken = visit.app.checkouts.currencies()
    currencies = tuple(c for c in sold_in if any(c in taking for taking in taken.values()))
    currency = _chosen(currencies, wanted.currency)
    gateways = tuple(name for name, taking in taken.items() if currency in taking)
    return Ways(currencies, currency, gateways, _chosen(gateways, wanted.gateway))


def _chosen(options: tuple[str, ...], wanted: str | None) -> str | None:
    return wanted if wanted in options else next(iter(options), None)


async def require_initiate(visit: Visit) -> None:
    """The same limit as over HTTP, counted together. Raises RateLimited."""
    quota = door.initiate_quota(visit.call, UserPrincipal(visit.user_id))
    door.require_allowed(await visit.app.limiter.hit(*quota))


def return_address(visit: Visit) -> str:
    """Where gateways send the browser; the payment's id is filled in once there is one."""
    return f"{visit.call.api.settings.public_url}/{visit.realm}/returned/{{paymentId}}"


def payment_page(visit: Visit, payment_id: str) -> str:
    return f"/{visit.realm}/payments/{quote(payment_id, safe='')}"


def checkout_of(payment: Payment) -> str | None:
    """Where it can be paid now; what a gateway has told becomes a link only if it is a page's."""
    url = payment.payment_url
    if payment.status not in OPEN_STATUSES or payment.off_session or url is None:
        return None
    return url if url.startswith(("https://", "http://")) else None


def onward(visit: Visit, payment: Payment) -> str:
    """The page to go on to with a payment that was opened: to the gateway, where it is paid there.
    A form's answer may not lead to another host itself, by the pages' policy."""
    page = payment_page(visit, payment.id)
    return page if checkout_of(payment) is None else f"{page}/go"
