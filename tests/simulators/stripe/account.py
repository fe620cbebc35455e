"""One Stripe account: what it holds, and what its API does to that."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

from stripe import api_version

from tests.simulators.stripe import shapes
from tests.simulators.stripe.shapes import Json, Refusal

KINDS = {
    "cs": "sessions",
    "pi": "payment_intents",
    "ch": "charges",
    "pm": "payment_methods",
    "cus": "customers",
    "re": "refunds",
    "du": "disputes",
}
_SMALLEST = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50}
_SESSION = {
    *("mode line_items client_reference_id metadata payment_intent_data success_url".split()),
    *("cancel_url customer expires_at expand".split()),
}
_INTENT = {
    *("amount currency customer payment_method off_session confirm metadata expand".split()),
}
_REFUND = {"payment_intent", "amount", "metadata", "reason", "expand"}


class Account:
    """`objects` by kind and id, oldest first. `on_event` is told each event as it happens.

    `habits`: what comes of charging a payment method (`declined`, `authentication_required`,
    `processing`; absent: it succeeds). `refunds_become`: the status of new refunds.
    """

    def __init__(self, on_event: Callable[[Json], None]) -> None:
        self.objects: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS.values()}
        self.events: list[Json] = []
        self.habits: dict[str, str] = {}
        self.refunds_become = "succeeded"
        self._on_event = on_event
        self._setup: dict[str, Json] = {}

    # What the API does.

    def create_session(self, params: Json) -> Json:
        _only(params, _SESSION)
        _need(params, "mode", "line_items", "success_url")
        [item] = params["line_items"]
        price = item["price_data"]
        amount, currency = _amount(price["unit_amount"], price["currency"])
        if params.get("customer"):
            self.get("customers", params["customer"])
        until = int(params.get("expires_at", time.time() + 86_400)) - time.time()
        if until > 86_400:
            raise Refusal(
                "The `expires_at` timestamp must be less than 24 hours from Checkout Session"
                " creation.",
                param="expires_at",
            )
        if until < 1_800:
            raise Refusal(
                "The `expires_at` timestamp must be at least 30 minutes from Checkout Session"
                " creation.",
                param="expires_at",
            )
        session = self._keep("sessions", shapes.session(params, amount, currency))
        self._setup[session["id"]] = params.get("payment_intent_data", {})
        return session

    def expire_session(self, session_id: str) -> Json:
        session = self.get("sessions", session_id)
        if session["status"] != "open":
            raise Refusal('Only Checkout Sessions with a status in ["open"] can be expired.')
        session.update(status="expired", url=None)
        self.tell("checkout.session.expired", session)
        return session

    def create_intent(self, params: Json) -> Json:
        _only(params, _INTENT)
        _need(params, "amount", "currency", "customer", "payment_method")
        amount, currency = _amount(params["amount"], params["currency"])
        method = self.get("payment_methods", params["payment_method"])
        if method["customer"] != params["customer"]:
            raise Refusal(
                "The provided PaymentMethod was previously detached from a Customer.",
                "payment_method_unexpected_state",
            )
        intent = shapes.payment_intent(
            amount, currency, params.get("metadata", {}), customer=params["customer"]
        )
        self._keep("payment_intents", intent)
        return self.attempt(intent, method, self.habits.get(method["id"], "succeeded"))

    def attempt(self, intent: Json, method: Json, outcome: str) -> Json:
        """Charge it. Raises Refusal for a decline."""
        if outcome == "succeeded":
            return self.succeed(intent, method)
        if outcome == "processing":
            intent.update(status="processing", payment_method=method["id"])
            return intent
        code = "card_declined" if outcome == "declined" else outcome
        self.fail(intent, code, method)
        raise Refusal(
            "Your card was declined.",
            code,
            status=402,
            kind="card_error",
            decline_code="generic_decline",
            payment_intent=copy.deepcopy(intent),
            payment_method=copy.deepcopy(method),
        )

    def succeed(self, intent: Json, method: Json) -> Json:
        intent.update(
            status="succeeded",
            payment_method=method["id"],
            amount_received=intent["amount"],
            last_payment_error=None,
        )
        charge = self._keep("charges", shapes.charge(intent))
        intent["latest_charge"] = charge["id"]
        self.tell("payment_intent.succeeded", intent)
        return intent

    def fail(self, intent: Json, code: str, method: Json) -> None:
        intent.update(
            status="requires_payment_method",
            payment_method=None,
            last_payment_error={"type": "card_error", "code": code, "payment_method": method},
        )
        self.tell("payment_intent.payment_failed", intent)

    def create_refund(self, params: Json) -> Json:
        _only(params, _REFUND)
        _need(params, "payment_intent")
        intent = self.get("payment_intents", params["payment_intent"])
        if intent["status"] != "succeeded":
            raise Refusal("This PaymentIntent does not have a successful charge to refund.")
        charge = self.get("charges", intent["latest_charge"])
        left = charge["amount"] - charge["amount_refunded"]
        amount = int(params.get("amount", left))
        if left == 0:
            raise Refusal(
                f"Charge {charge['id']} has already been refunded.", "charge_already_refunded"
            )
        if amount > left or amount < 1:
            raise Refusal("Refund amount is greater than unrefunded amount.", param="amount")
        refund = shapes.refund(intent, amount, self.refunds_become, params)
        self._keep("refunds", refund)
        self._returned(charge, amount)
        self.tell("refund.created", refund)
        self.tell("charge.refunded", charge)
        return refund

    def settle_refund(self, refund: Json, status: str) -> None:
        refund["status"] = status
        if status in ("failed", "canceled"):
            refund["failure_reason"] = "expired_or_canceled_card"
            self._returned(self.get("charges", refund["charge"]), -refund["amount"])
        self.tell("refund.failed" if status == "failed" else "refund.updated", refund)

    def _returned(self, charge: Json, amount: int) -> None:
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]

    def create_customer(self, params: Json) -> Json:
        _only(params, {"metadata", "email", "name"})
        return self._keep("customers", shapes.customer(params))

    def detach(self, method_id: str) -> Json:
        method = self.get("payment_methods", method_id)
        method["customer"] = None
        return method

    # What everything needs.

    def get(self, kind: str, thing_id: str) -> Json:
        found = self.objects[kind].get(thing_id)
        if found is None:
            raise Refusal(
                f"No such {kind}: '{thing_id}'", "resource_missing", param="id", status=404
            )
        if kind == "sessions" and found["status"] == "open" and found["expires_at"] < time.time():
            self.expire_session(thing_id)
        return found

    def attach_intent(self, session: Json) -> Json:
        """The session's payment intent, made when the payer first tries to pay."""
        if session["payment_intent"] is not None:
            return self.get("payment_intents", session["payment_intent"])
        setup = self._setup[session["id"]]
        intent = shapes.payment_intent(
            session["amount_total"],
            session["currency"],
            setup.get("metadata", {}),
            customer=session["customer"],
            setup_future_usage=setup.get("setup_future_usage"),
        )
        session["payment_intent"] = intent["id"]
        return self._keep("payment_intents", intent)

    def new_method(self, customer: str | None) -> Json:
        return self._keep("payment_methods", shapes.payment_method(customer))

    def new_dispute(self, intent: Json, amount: int, status: str) -> Json:
        return self._keep("disputes", shapes.dispute(intent, amount, status))

    def tell(self, kind: str, thing: Json) -> None:
        event = shapes.event(kind, copy.deepcopy(thing), api_version)
        self.events.append(event)
        self._on_event(event)

    def page(self, kind: str, params: Json, **where: str) -> Json:
        """Newest first, as Stripe lists."""
        wanted: Json = {
            name: params[name] for name in ("payment_intent", "customer") if name in params
        }
        wanted |= where
        since = int(params.get("created", {}).get("gte", 0))
        found = [
            thing
            for thing in reversed(self.objects[kind].values())
            if thing["created"] >= since
            and all(thing.get(name) == value for name, value in wanted.items())
        ]
        if "starting_after" in params:
            ids = [thing["id"] for thing in found]
            found = found[ids.index(params["starting_after"]) + 1 :]
        limit = int(params.get("limit", 10))
        if not 1 <= limit <= 100:
            raise Refusal("Invalid integer: limit", param="limit")
        return {
            "object": "list",
            "data": found[:limit],
            "has_more": len(found) > limit,
            "url": f"/v1/{kind}",
        }

    def expanded(self, thing: Json, paths: list[str]) -> Json:
        shown = copy.deepcopy(thing)
        for path in paths:
            place: Any = shown
            for name in path.split("."):
                value = place[name]
                if isinstance(value, str):
                    kind = KINDS[value.split("_")[0]]
                    value = place[name] = copy.deepcopy(self.get(kind, value))
                if value is None:
                    break
                place = value
        return shown

    def _keep(self, kind: str, thing: Json) -> Json:
        self.objects[kind][thing["id"]] = thing
        return thing


def _only(params: Json, known: set[str]) -> None:
    for name in params:
        if name not in known:
            raise Refusal(f"Received unknown parameter: {name}", "parameter_unknown", name)


def _need(params: Json, *names: str) -> None:
    for name in names:
        if not params.get(name):
            raise Refusal(f"Missing required param: {name}.", "parameter_missing", name)


def _amount(amount: str, currency: str) -> tuple[int, str]:
    if int(amount) < _SMALLEST.get(currency, 1):
        raise Refusal("The amount must be at least 50 cents.", "amount_too_small", "amount")
    if currency != currency.lower():
        raise Refusal(f"Invalid currency: {currency}", param="currency")
    return int(amount), currency
