"""Payments as users see them: open a checkout, look at one's own."""

from __future__ import annotations

from collections.abc import Mapping

from shothik_payment.domain.catalog import Catalog, Pack
from shothik_payment.domain.errors import (
    CallUnderWay,
    GatewayRefused,
    InvalidRequest,
    NotFound,
    PaymentNotOpen,
    PaymentServiceError,
    StoreCorrupt,
    Unavailable,
)
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.payment_commands import (
    AbandonPayment,
    AttachCheckout,
    OpenPayment,
)
from shothik_payment.domain.ledger.subscription_charges import FIRST_CHECK_MS
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.payment import Payment, PaymentStatus, return_url
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.gateway import PaymentGateway
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.use_cases.offers import choose_gateway
from shothik_payment.domain.use_cases.payment_commands import PaymentCommands
from shothik_payment.domain.use_cases.requests import recall
from shothik_payment.domain.use_cases.return_origins import ReturnOrigins


class Checkouts:
    """`gateways` by name, in the order in which one is picked for a currency."""

    def __init__(
        self,
        writer: LedgerWriter,
        commands: PaymentCommands,
        payments: Payments,
        gateways: Mapping[str, PaymentGateway],
        catalog: Catalog,
        return_origins: ReturnOrigins,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._writer = writer
        self._commands = commands
        self._payments = payments
        self._gateways = gateways
        self._catalog = catalog
        self._return_origins = return_origins
        self._clock = clock
        self._ids = ids

    async def initiate(
        self,
        user_id: str,
        *,
        pack_id: str | None,
        credits: int | None,
        gateway: str | None,
        currency: str | None,
        success_url: str | None,
        cancel_url: str | None,
        request: RequestBinding | None = None,
    ) -> Outcome:
        """Record the intent, then open the gateway's checkout for it.

        A repeat continues where the first got to, and gives the same session, whatever has become
        of the catalog and the gateways since.
        """
        try:
            payment = self._order(
                user_id, self._pack(pack_id, credits), gateway, currency, success_url, cancel_url
            )
        except PaymentServiceError as refusal:
            opened = await recall(self._writer, self._clock, self._ids, user_id, request, refusal)
        else:
            at = payment.created_at
            opened = await self._writer.submit(
                OpenPayment(
                    id=self._ids.next(), user_id=user_id, at=at, request=request, payment=payment
                )
            )
        recorded = opened.payment
        if recorded is None:
            raise StoreCorrupt("A request key is bound to a payment that is not there.")
        if recorded.session_id is None:
            recorded = await self.start(recorded)
        return Outcome(payment=recorded, replayed=opened.replayed)

    def _order(
        self,
        user_id: str,
        pack: Pack,
        gateway: str | None,
        currency: str | None,
        success_url: str | None,
        cancel_url: str | None,
    ) -> Payment:
        chosen, price = choose_gateway(self._gateways, pack.prices, gateway, currency)
        self._return_origins.require("successUrl", success_url)
        self._return_origins.require("cancelUrl", cancel_url)
        now = self._clock.now()
        payment_id = f"pay_{bucket_of(user_id)}{self._ids.next()}"
        return Payment(
            id=payment_id,
            user_id=user_id,
            gateway=chosen.name,
            status=PaymentStatus.CREATED,
            price=pack.prices[price],
            credits=pack.credits,
            created_at=now,
            updated_at=now,
            pack_id=pack.id or None,
            success_url=return_url(success_url, payment_id),
            cancel_url=return_url(cancel_url, payment_id),
            next_check_at=Millis(now + FIRST_CHECK_MS),
        )

    def _pack(self, pack_id: str | None, credits: int | None) -> Pack:
        if pack_id is not None and credits is None:
            return self._catalog.pack(pack_id)
        if credits is not None and pack_id is None:
            return self._catalog.credits_pack(credits)
        raise InvalidRequest.of("packId", "either packId or credits, and not both")

    async def start(self, payment: Payment) -> Payment:
        """Open the gateway's checkout for a recorded payment that has none. Raises GatewayRefused
        and Unavailable, after which the payment has failed, and PaymentNotOpen where it has ended
        meanwhile, and nothing waits for it any more. Raises CallUnderWay where another process is
        opening it: nothing has changed then."""
        gateway = self._gateways.get(payment.gateway)
        try:
            if gateway is None:
                raise Unavailable("The payment's gateway is not configured any more.")
            checkout = await gateway.start_checkout(payment)
        except CallUnderWay:
            raise
        except (GatewayRefused, Unavailable) as error:
            await self._commands.submit(AbandonPayment, payment, failure_code=error.code)
            raise
        attached = await self._commands.submit(
            AttachCheckout, payment, session_id=checkout.session_id, payment_url=checkout.url
        )
        opened = attached.payment or payment
        if opened.came_to_nothing:
            raise PaymentNotOpen(opened.id, opened.status)
        return opened

    def currencies(self) -> dict[str, tuple[str, ...]]:
        """What each gateway takes, in the order in which one is picked."""
        return {name: one.capabilities.currencies for name, one in self._gateways.items()}

    async def own(self, user_id: str, payment_id: str) -> Payment:
        payment = await self._payments.get(payment_id)
        if payment is None or payment.user_id != user_id:
            raise NotFound("payment", payment_id)
        return payment

    async def of_user(
        self, user_id: str, before: str | None, limit: int
    ) -> tuple[list[Payment], str | None]:
        found = await self._payments.of_user(user_id, before, limit + 1)
        page = found[:limit]
        return page, page[-1].id if len(found) > limit else None
