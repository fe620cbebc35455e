"""What happens at Stripe without the API: payers pay, merchants click, banks decide."""

from __future__ import annotations

from tests.simulators.stripe.account import Account
from tests.simulators.stripe.shapes import Json, Refusal


def pay(account: Account, session_id: str) -> Json:
    """The payer pays, and the payment method is attached to the session's customer, if any."""
    session = _open(account, session_id)
    intent = account.attach_intent(session)
    account.succeed(intent, account.new_method(session["customer"]))
    _complete(session, "paid")
    account.tell("checkout.session.completed", session)
    return session


def decline(account: Account, session_id: str) -> Json:
    """The payer's card is declined; the session stays open."""
    session = _open(account, session_id)
    account.fail(account.attach_intent(session), "card_declined", account.new_method(None))
    return session


def pay_later(account: Account, session_id: str) -> Json:
    """The payer chooses a method that takes days."""
    session = _open(account, session_id)
    intent = account.attach_intent(session)
    intent.update(status="processing", payment_method=account.new_method(session["customer"])["id"])
    _complete(session, "unpaid")
    account.tell("checkout.session.completed", session)
    return session


def arrive(account: Account, session_id: str, succeeded: bool) -> Json:
    """What was to take days has come, or has not."""
    session = account.get("sessions", session_id)
    intent = account.attach_intent(session)
    method = account.get("payment_methods", intent["payment_method"])
    if succeeded:
        account.succeed(intent, method)
        session["payment_status"] = "paid"
        account.tell("checkout.session.async_payment_succeeded", session)
    else:
        account.fail(intent, "payment_intent_payment_attempt_failed", method)
        account.tell("checkout.session.async_payment_failed", session)
    return session


def settle_intent(account: Account, intent_id: str, succeeded: bool) -> Json:
    """A charge without the payer that was processing."""
    intent = account.get("payment_intents", intent_id)
    method = account.get("payment_methods", intent["payment_method"])
    if succeeded:
        account.succeed(intent, method)
    else:
        account.fail(intent, "card_declined", method)
    return intent


def open_dispute(account: Account, session_id: str, amount: int | None, status: str) -> Json:
    """An inquiry (`warning_…`) takes no money yet."""
    intent = account.get("payment_intents", intent_of(account, session_id))
    charge = account.get("charges", intent["latest_charge"])
    charge["disputed"] = True
    dispute = account.new_dispute(intent, amount or charge["amount"], status)
    account.tell("charge.dispute.created", dispute)
    if not status.startswith("warning_"):
        dispute["balance_transactions"] = [{"amount": -dispute["amount"]}]
        account.tell("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(account: Account, dispute_id: str, status: str) -> Json:
    dispute = account.get("disputes", dispute_id)
    dispute["status"] = status
    account.tell("charge.dispute.closed", dispute)
    if status == "won":
        dispute["balance_transactions"].append({"amount": dispute["amount"]})
        account.tell("charge.dispute.funds_reinstated", dispute)
    return dispute


def intent_of(account: Account, session_id: str) -> str:
    """Of a session, or of a charge without one."""
    if session_id.startswith("pi_"):
        return session_id
    found: str = account.get("sessions", session_id)["payment_intent"]
    return found


def money(account: Account, payment_id: str) -> tuple[int, int]:
    """What was paid for the service's payment, and what went back, in Stripe's units."""
    intents = [
        intent
        for intent in account.objects["payment_intents"].values()
        if intent["metadata"].get("payment_id") == payment_id and intent["status"] == "succeeded"
    ]
    charges = [account.get("charges", intent["latest_charge"]) for intent in intents]
    paid = sum(intent["amount_received"] for intent in intents)
    return paid, sum(charge["amount_refunded"] for charge in charges)


def _open(account: Account, session_id: str) -> Json:
    session = account.get("sessions", session_id)
    if session["status"] != "open":
        raise Refusal("The page says that this checkout has ended.")
    return session


def _complete(session: Json, payment_status: str) -> None:
    session.update(status="complete", payment_status=payment_status, url=None)
    session["customer_details"] = session["customer_details"] or {"email": "payer@example.com"}
