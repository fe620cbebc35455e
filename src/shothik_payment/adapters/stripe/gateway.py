"""Stripe as a payment gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import stripe

from shothik_payment.adapters.stripe.customers import Customers
from shothik_payment.adapters.stripe.errors import NAME, code_of, in_our_words
from shothik_payment.adapters.stripe.lists import listed, with_metadata
from shothik_payment.adapters.stripe.reports import (
    PAYMENT_ID,
    REFUND_ID,
    Json,
    dispute_report,
    intent_report,
    our_id,
    refund_report,
    session_report,
)
from shothik_payment.adapters.stripe.requests import charge_params, refund_params, session_params
from shothik_payment.adapters.stripe.transport import Transport, stripe_client
from shothik_payment.adapters.stripe.webhooks import read_event, require_signature
from shothik_payment.domain.errors import GatewayRefused, Unavailable
from shothik_payment.domain.model.money import CURRENCIES
from shothik_payment.domain.model.payment import Payment, Refund
from shothik_payment.domain.model.time import HOUR, MINUTE, SECOND, Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.gateway import (
    Capabilities,
    Checkout,
    GatewayDispute,
    GatewayRefund,
    GatewayReport,
    Notification,
    SavedMethod,
)

TIMEOUT_SECONDS = 10.0
_KEY_LIFE_MS = 20 * HOUR
"""Stripe keeps idempotency keys for 24 hours at least; past this nothing relies on them."""
_INTENT_PREFIX = "pi_"
_MISSING = "resource_missing"


class StripeGateway:
    """One account, by its secret key.

    `webhook_secrets`: several while one is rotated. `documents` are of this gateway alone.
    `clock` is the machine's: Stripe judges expiries, idempotency and signatures by real time.
    `fallback_url`: where a payer lands whose payment names no `success_url`. `api_base` None:
    Stripe's own address. `timeout_seconds` of one attempt; there are two at most.
    """

    name = NAME

    def __init__(
        self,
        secret_key: str,
        webhook_secrets: Sequence[str],
        documents: Documents,
        clock: Clock,
        api_base: str | None,
        *,
        fallback_url: str,
        currencies: tuple[str, ...] = CURRENCIES,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.capabilities = Capabilities(
            currencies, recurring=True, partial_refunds=True, cancel=True
        )
        self._livemode = "_live_" in secret_key[:16]
        self._webhook_secrets = tuple(webhook_secrets)
        self._clock = clock
        self._fallback_url = fallback_url
        self._transport = Transport(timeout_seconds)
        self._client = stripe_client(secret_key, api_base, self._transport)
        self._customers = Customers(
            self._client, documents, mode="live" if self._livemode else "test"
        )

    async def close(self) -> None:
        await self._transport.close_async()

    async def start_checkout(self, payment: Payment) -> Checkout:
        with in_our_words(may_refuse=True):
            customer = None
            if payment.saves_method:
                customer = (await self._customers.find_or_make(payment.user_id)).id
            params = session_params(payment, customer, self._fallback_url, self._clock.now())
            session = await self._once(
                payment.created_at,
                lambda: self._client.v1.checkout.sessions.create_async(
                    params, {"idempotency_key": f"checkout-{payment.id}"}
                ),
                lambda: self._session_of(payment),
            )
            return Checkout(session["id"], session["url"])

    async def look_up(self, payment: Payment) -> GatewayReport:
        """Where the payer paid and agreed to it, their payment method is on file from now on."""
        session_id = payment.session_id
        if session_id is None:
            raise Unavailable("The payment has no checkout yet.")
        with in_our_words():
            if session_id.startswith(_INTENT_PREFIX):
                intent = await self._intent(session_id)
                report = intent_report(intent)
            else:
                session = await self._session(session_id)
                intent = session["payment_intent"] or {}
                report = session_report(session)
            stands = payment.grant_id is not None or payment.refunds or payment.disputes
            other = payment.reference not in (None, report.reference)
            if other and (report.reference is None or stands):
                # Its money was paid in another checkout, whose customer may be anybody.
                intent = await self._intent(payment.reference or "")
                report = replace(
                    intent_report(intent), payment_id=payment.id, session_id=session_id
                )
            else:
                await self._remember_method(payment, report, intent)
            return await self._with_what_came_back(payment, report, intent)

    async def complete(self, payment: Payment) -> GatewayReport:
        # Stripe takes the money as soon as the payer agrees.
        return await self.look_up(payment)

    async def refund(self, payment: Payment, refund: Refund) -> GatewayRefund:
        intent_id = payment.reference or (await self.look_up(payment)).reference
        if intent_id is None:
            raise GatewayRefused(self.name, "not_paid")
        refunds = self._client.v1.refunds
        with in_our_words(may_refuse=True):
            made = await self._once(
                refund.created_at,
                lambda: refunds.create_async(
                    refund_params(payment, refund, intent_id),
                    {"idempotency_key": f"refund-{refund.id}"},
                ),
                lambda: with_metadata(
                    listed(refunds.list_async, {"payment_intent": intent_id}), REFUND_ID, refund.id
                ),
            )
            return refund_report(made)

    async def cancel(self, payment: Payment) -> GatewayReport:
        session_id = payment.session_id
        if session_id is not None and not session_id.startswith(_INTENT_PREFIX):
            # Refused: it has ended already. What became of it is told below.
            with in_our_words(), suppress(stripe.InvalidRequestError):
                await self._client.v1.checkout.sessions.expire_async(session_id)
        return await self.look_up(payment)

    async def charge(self, payment: Payment) -> GatewayReport:
        with in_our_words(may_refuse=True):
            customer = await self._customers.find(payment.user_id)
            if customer is None:
                raise GatewayRefused(self.name, "no_saved_method")
            if customer.method is None:
                # It may have been charged before the method was taken off.
                made = await self._charge_of(payment, customer.id)
                if made is None:
                    raise GatewayRefused(self.name, "no_saved_method")
                return intent_report(made)
            params = charge_params(payment, customer.id, customer.method)
            try:
                intent = await self._once(
                    payment.created_at,
                    lambda: self._client.v1.payment_intents.create_async(
                        params, {"idempotency_key": f"charge-{payment.id}"}
                    ),
                    lambda: self._charge_of(payment, customer.id),
                )
            except stripe.CardError as error:
                answer: Any = error.json_body
                declined = answer["error"].get("payment_intent")
                if declined is None:
                    raise
                return replace(
                    intent_report(declined), failure_code=code_of(error, "card_declined")
                )
            return intent_report(intent)

    async def saved_method(self, user_id: str) -> SavedMethod | None:
        with in_our_words():
            try:
                return await self._customers.saved(user_id)
            except stripe.InvalidRequestError as error:
                if error.code == _MISSING:
                    return None
                raise

    async def forget_method(self, user_id: str) -> None:
        with in_our_words():
            await self._customers.forget(user_id, self._clock.now())

    async def read_notification(self, body: bytes, headers: dict[str, str]) -> Notification | None:
        require_signature(body, headers, self._webhook_secrets, self._clock.now())
        return read_event(body, self._livemode)

    async def find_payment(self, notification: Notification) -> str | None:
        with in_our_words():
            try:
                if notification.reference is not None:
                    return our_id(await self._intent(notification.reference))
            except stripe.InvalidRequestError as error:
                if error.code != _MISSING:
                    raise
        return None

    async def _once(
        self,
        since: Millis,
        make: Callable[[], Awaitable[stripe.StripeObject]],
        find: Callable[[], Awaitable[Json | None]],
    ) -> Json:
        """Made once, however often this is called with what was begun at `since`."""
        if self._clock.now() - since > _KEY_LIFE_MS:
            found = await find()
            if found is not None:
                return found
        try:
            return (await make()).to_dict()
        except (stripe.IdempotencyError, stripe.InvalidRequestError):
            # Refused maybe only because it is done: with other parameters under the same key, as
            # when the payment method has changed since, or under a key that was forgotten.
            found = await find()
            if found is None:
                raise
            return found

    async def _session_of(self, payment: Payment) -> Json | None:
        sessions = self._client.v1.checkout.sessions
        return await with_metadata(
            listed(sessions.list_async, _since(payment)), PAYMENT_ID, payment.id
        )

    async def _charge_of(self, payment: Payment, customer_id: str) -> Json | None:
        intents = self._client.v1.payment_intents
        wanted = {**_since(payment), "customer": customer_id}
        return await with_metadata(listed(intents.list_async, wanted), PAYMENT_ID, payment.id)

    async def _session(self, session_id: str) -> Json:
        sessions = self._client.v1.checkout.sessions
        expanded: Any = {"expand": ["payment_intent.latest_charge"]}
        return (await sessions.retrieve_async(session_id, expanded)).to_dict()

    async def _intent(self, intent_id: str) -> Json:
        intents = self._client.v1.payment_intents
        return (await intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})).to_dict()

    async def _remember_method(self, payment: Payment, report: GatewayReport, intent: Json) -> None:
        if not payment.saves_method or report.paid is None or report.payment_id != payment.id:
            return
        customer, method = intent.get("customer"), intent.get("payment_method")
        if customer is not None and method is not None:
            await self._customers.remember(payment.user_id, customer, method, payment.created_at)

    async def _with_what_came_back(
        self, payment: Payment, report: GatewayReport, intent: Json
    ) -> GatewayReport:
        """Refunds and disputes are listed only where there may be any: at Stripe, or by what we
        know, since a refund that failed leaves no trace on the charge."""
        if report.reference is None:
            return report
        charge: Json = intent["latest_charge"] or {}
        wanted = {"payment_intent": report.reference}
        refunds: tuple[GatewayRefund, ...] = ()
        disputes: tuple[GatewayDispute, ...] = ()
        if charge.get("amount_refunded") or payment.refunds:
            found = listed(self._client.v1.refunds.list_async, wanted)
            refunds = tuple([refund_report(refund) async for refund in found])
        if charge.get("disputed") or payment.disputes:
            found = listed(self._client.v1.disputes.list_async, wanted)
            disputes = tuple([dispute_report(dispute) async for dispute in found])
        return replace(report, refunds=refunds, disputes=disputes)


def _since(payment: Payment) -> Json:
    # Stripe's clock may be behind ours.
    return {"created": {"gte": (payment.created_at - 5 * MINUTE) // SECOND}}
