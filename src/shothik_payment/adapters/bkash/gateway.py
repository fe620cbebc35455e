"""bKash as a payment gateway."""

from __future__ import annotations

from dataclasses import replace

from shothik_payment.adapters.bkash import answers, states
from shothik_payment.adapters.bkash.checkouts import NAME, Checkouts
from shothik_payment.adapters.bkash.client import CANCEL_AGREEMENT, SEARCH, BkashClient
from shothik_payment.adapters.bkash.credentials import BkashCredentials
from shothik_payment.adapters.bkash.formats import CURRENCY
from shothik_payment.adapters.bkash.notes import Notes
from shothik_payment.adapters.bkash.notifications import Notifications, is_ours
from shothik_payment.adapters.bkash.refunds import Refunds
from shothik_payment.adapters.bkash.web import Web
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.payment import Payment, Refund
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.gateway import (
    Capabilities,
    Checkout,
    GatewayRefund,
    GatewayReport,
    GatewayState,
    Notification,
    SavedMethod,
)
from shothik_payment.domain.ports.shared_lock import SharedLock
from shothik_payment.domain.ports.shared_values import SharedValues

_TIMEOUT_SECONDS = 30.0
_INVOICE = ("merchantInvoiceNumber", "merchantInvoice", "transactionReference")


class BkashGateway:
    """A session is a bKash `paymentID`. The first of a payment that saves the payer's agreement is
    the agreement's; the one in which money moves follows it, and reports name the first.

    What the payer approved is taken by `complete` only, so it has to be called for payments whose
    browser never came back, too.
    """

    name = NAME
    capabilities = Capabilities((CURRENCY,), recurring=True, partial_refunds=True)

    def __init__(
        self,
        credentials: BkashCredentials,
        base_url: str,
        callback_url: str,
        topic_arn: str | None,
        cert_origin: str | None,
        documents: Documents,
        lock: SharedLock,
        shared: SharedValues,
        clock: Clock,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        """`callback_url`: where bKash sends browsers back to. `topic_arn` None: notifications are
        refused. `cert_origin` None: the topic's region at Amazon. `clock`: the real time, since
        bKash's tokens, sessions and signatures go by it. Raises Misconfigured."""
        self._web = Web()
        self._client = BkashClient(
            credentials, base_url, lock, shared, clock, self._web, timeout_seconds
        )
        self._notes = Notes(documents)
        self._checkouts = Checkouts(self._client, callback_url, self._notes, lock, clock)
        self._refunds = Refunds(self._client, self._notes, lock, clock)
        self._notifications = Notifications(topic_arn, cert_origin, self._web, clock)

    async def close(self) -> None:
        await self._web.close()

    async def start_checkout(self, payment: Payment) -> Checkout:
        return await self._checkouts.start(payment)

    async def look_up(self, payment: Payment) -> GatewayReport:
        report, fields = await self._checkouts.look_up(payment)
        asked_before = payment.reference is not None or payment.refunds
        if asked_before or states.money_returned(fields):
            return await self._with_refunds(payment, report)
        return report

    async def complete(self, payment: Payment) -> GatewayReport:
        report = await self._checkouts.complete(payment)
        if payment.reference is not None or payment.refunds:
            return await self._with_refunds(payment, report)
        return report

    async def refund(self, payment: Payment, refund: Refund) -> GatewayRefund:
        session_id = await self._checkouts.session_of(payment)
        return await self._refunds.refund(payment, refund, session_id)

    async def cancel(self, payment: Payment) -> GatewayReport:
        """bKash ends a checkout by itself, after 24 hours: this only tells how it is."""
        return await self.look_up(payment)

    async def charge(self, payment: Payment) -> GatewayReport:
        return await self._checkouts.charge(payment)

    async def saved_method(self, user_id: str) -> SavedMethod | None:
        found = await self._notes.agreement(user_id)
        return SavedMethod("bKash") if found is not None else None

    async def forget_method(self, user_id: str) -> None:
        agreement_id = await self._notes.agreement(user_id)
        if agreement_id is None:
            return
        # At bKash first: forgotten here alone, it could never be ended there. Refused, it has
        # ended already, and in either case nothing is charged to it from now on.
        await self._client.ask(CANCEL_AGREEMENT, {"agreementID": agreement_id})
        await self._notes.drop_agreement(user_id, agreement_id)

    async def read_notification(self, body: bytes, headers: dict[str, str]) -> Notification | None:
        return await self._notifications.read(body, headers)

    async def find_payment(self, notification: Notification) -> str | None:
        if notification.payment_id is not None:
            return notification.payment_id if is_ours(notification.payment_id) else None
        if notification.reference is None:
            return None
        answer = await self._client.ask(SEARCH, {"trxID": notification.reference})
        if answer.code is not None:
            if answer.code in answers.NOT_FOUND:
                return None
            raise Unavailable(f"bKash cannot find a transaction (code {answer.code}).")
        return next((name for key in _INVOICE if is_ours(name := answer.text(key))), None)

    async def _with_refunds(self, payment: Payment, report: GatewayReport) -> GatewayReport:
        if report.state is not GatewayState.PAID or report.reference is None:
            return report
        session_id = await self._checkouts.session_of(payment)
        refunds = await self._refunds.of(payment, session_id, report.reference)
        return replace(report, refunds=refunds)
