"""Payments: open a checkout, hear from the gateway, ask it for the truth."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from shothik_payment.domain.catalog import Catalog, Pack
from shothik_payment.domain.errors import (
    GatewayRefused,
    InvalidRequest,
    NotFound,
    PaymentNotOpen,
    PaymentServiceError,
    StoreCorrupt,
    Unavailable,
)
from shothik_payment.domain.ledger.commands import (
    AbandonPayment,
    AttachCheckout,
    ClosePayment,
    OpenPayment,
    PostponeCheck,
    RequestBinding,
    SettlePayment,
)
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.writer import LedgerWriter
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.payment import OPEN_STATUSES, Payment, PaymentStatus
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE, SECOND, Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.gateway import GatewayReport, GatewayState, PaymentGateway
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.payments import Payments
from shothik_payment.domain.use_cases.requests import recall
from shothik_payment.domain.use_cases.return_origins import ReturnOrigins

log = logging.getLogger(__name__)

FIRST_CHECK_MS = 20 * SECOND
LAST_CHECK_AFTER_MS = 3 * DAY
CHECK_BATCH = 50

_CLOSED_BY = {
    GatewayState.FAILED: PaymentStatus.FAILED,
    GatewayState.CANCELLED: PaymentStatus.CANCELLED,
    GatewayState.EXPIRED: PaymentStatus.EXPIRED,
}


class Checkouts:
    """`gateways` by name, in the order in which one is picked for a currency."""

    def __init__(
        self,
        writer: LedgerWriter,
        payments: Payments,
        gateways: Mapping[str, PaymentGateway],
        catalog: Catalog,
        return_origins: ReturnOrigins,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._writer = writer
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
            recorded = await self._start(recorded, request)
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
        chosen = self._gateway(gateway, currency)
        sold_in = [c for c in chosen.currencies if c in pack.prices]
        if not sold_in or (currency is not None and currency not in sold_in):
            raise InvalidRequest.of("currency", f"one of {', '.join(sold_in) or 'none'}")
        self._return_origins.require("successUrl", success_url)
        self._return_origins.require("cancelUrl", cancel_url)
        now = self._clock.now()
        return Payment(
            id=f"pay_{bucket_of(user_id)}{self._ids.next()}",
            user_id=user_id,
            gateway=chosen.name,
            status=PaymentStatus.CREATED,
            price=pack.prices[currency or sold_in[0]],
            credits=pack.credits,
            created_at=now,
            updated_at=now,
            pack_id=pack.id or None,
            success_url=success_url,
            cancel_url=cancel_url,
            next_check_at=Millis(now + FIRST_CHECK_MS),
        )

    def _pack(self, pack_id: str | None, credits: int | None) -> Pack:
        if pack_id is not None and credits is None:
            return self._catalog.pack(pack_id)
        if credits is not None and pack_id is None:
            return self._catalog.credits_pack(credits)
        raise InvalidRequest.of("packId", "either packId or credits, and not both")

    def _gateway(self, name: str | None, currency: str | None) -> PaymentGateway:
        if name is not None:
            chosen = self._gateways.get(name)
            if chosen is None:
                names = ", ".join(self._gateways) or "none, since no gateway is configured"
                raise InvalidRequest.of("gateway", f"one of {names}")
            return chosen
        for gateway in self._gateways.values():
            if currency is None or currency in gateway.currencies:
                return gateway
        if self._gateways:
            raise InvalidRequest.of("currency", "a currency that a configured gateway takes")
        raise Unavailable("No payment gateway is configured.", retry_after_seconds=60)

    async def _start(self, payment: Payment, request: RequestBinding | None) -> Payment:
        gateway = self._gateways.get(payment.gateway)
        try:
            if gateway is None:
                raise Unavailable("The payment's gateway is not configured any more.")
            checkout = await gateway.start_checkout(payment)
        except (GatewayRefused, Unavailable) as error:
            await self._writer.submit(
                AbandonPayment(
                    id=self._ids.next(),
                    user_id=payment.user_id,
                    at=self._clock.now(),
                    payment_id=payment.id,
                    failure_code=error.code,
                    request_key=request.key if request is not None else None,
                )
            )
            raise
        attached = await self._writer.submit(
            AttachCheckout(
                id=self._ids.next(),
                user_id=payment.user_id,
                at=self._clock.now(),
                payment_id=payment.id,
                session_id=checkout.session_id,
                payment_url=checkout.url,
            )
        )
        return attached.payment or payment

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

    async def hear(self, gateway: str, body: bytes, headers: dict[str, str]) -> None:
        """A gateway's notification: verified, then settled for good before this returns."""
        chosen = self._gateways.get(gateway)
        if chosen is None:
            raise NotFound("gateway", gateway)
        await self.settle(gateway, chosen.read_notification(body, headers))

    async def settle(self, gateway: str, report: GatewayReport) -> None:
        """Bring the payment to where the gateway says it is; told twice it changes nothing."""
        payment = await self._payments.get(report.payment_id)
        if payment is None or payment.gateway != gateway:
            raise NotFound("payment", report.payment_id)
        if payment.session_id is not None and payment.session_id != report.session_id:
            raise NotFound("checkout", report.session_id)
        if report.state is GatewayState.PAID and report.paid is not None:
            await self._writer.submit(
                SettlePayment(
                    id=self._ids.next(),
                    user_id=payment.user_id,
                    at=self._clock.now(),
                    payment_id=payment.id,
                    paid=report.paid,
                )
            )
        elif report.state in _CLOSED_BY:
            await self._close(payment, _CLOSED_BY[report.state], report.failure_code)

    async def _close(self, payment: Payment, status: PaymentStatus, code: str | None) -> None:
        try:
            await self._writer.submit(
                ClosePayment(
                    id=self._ids.next(),
                    user_id=payment.user_id,
                    at=self._clock.now(),
                    payment_id=payment.id,
                    status=status,
                    failure_code=code,
                )
            )
        except PaymentNotOpen:
            return  # it is final already; a late or repeated word has no second effect

    async def check_open(self) -> int:
        """Ask the gateways about open payments that are due for it; how many were asked."""
        due = await self._payments.to_check(self._clock.now(), CHECK_BATCH)
        for payment in due:
            await self._check(payment)
        return len(due)

    async def _check(self, payment: Payment) -> None:
        gateway = self._gateways.get(payment.gateway)
        if gateway is not None:
            try:
                if payment.session_id is None:
                    payment = await self._start(payment, None)
                await self.settle(payment.gateway, await gateway.look_up(payment))
            except Exception as error:  # noqa: BLE001 it must not hold up the others
                log.warning("payment %s could not be checked: %s", payment.id, error)
        current = await self._payments.get(payment.id)
        if current is not None and current.status in OPEN_STATUSES:
            now = self._clock.now()
            age = now - current.created_at
            if age > LAST_CHECK_AFTER_MS:
                await self._close(current, PaymentStatus.EXPIRED, "not_paid_in_time")
                return
            longest = MINUTE if age < HOUR else HOUR
            pause = min(FIRST_CHECK_MS * 2 ** min(current.checks, 16), longest)
            await self._writer.submit(
                PostponeCheck(
                    id=self._ids.next(),
                    user_id=payment.user_id,
                    at=now,
                    payment_id=payment.id,
                    next_check_at=Millis(now + pause),
                )
            )
