"""The state machine: `apply` one command to one user's state. Pure; same input, same output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shothik_payment.domain.errors import IdempotencyKeyReused, PaymentServiceError
from shothik_payment.domain.ledger import (
    access,
    clawback,
    credits,
    disputes,
    given_plans,
    plan_changes,
    refunds,
    reservations,
    settlement,
    subscriptions,
    takeover,
)
from shothik_payment.domain.ledger import commands as c
from shothik_payment.domain.ledger import payment_commands as p
from shothik_payment.domain.ledger import subscription_commands as s
from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.due import book_due
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.periods import watch_plan
from shothik_payment.domain.ledger.repeats import begin_anew, came_to_nothing, steps_of
from shothik_payment.domain.ledger.rules import Rules
from shothik_payment.domain.model.hold import HoldStatus
from shothik_payment.domain.model.transaction import Transaction, TransactionKind
from shothik_payment.domain.ports.ledger_store import RequestRecord

Handler = Callable[[Account, Any], Outcome]


def _nothing_more(account: Account, command: c.Expire) -> Outcome:
    return Outcome()


def _refuse(account: Account, command: c.Recall) -> Outcome:
    raise command.refusal


_HANDLERS: dict[type[c.Command], Handler] = {
    c.Recall: _refuse,
    c.Deduct: credits.deduct,
    c.Reverse: credits.reverse,
    c.PlaceHold: reservations.place_hold,
    c.CaptureHold: reservations.capture_hold,
    c.ReleaseHold: reservations.release_hold,
    c.GrantCredits: credits.grant_credits,
    c.Adjust: credits.adjust,
    c.Expire: _nothing_more,
    c.Clawback: clawback.claw_back,
    p.OpenPayment: settlement.open_payment,
    p.AttachCheckout: settlement.attach_checkout,
    p.AbandonPayment: settlement.abandon_payment,
    p.AuthorisePayment: settlement.authorise_payment,
    p.SettlePayment: settlement.settle_payment,
    p.AcceptPayment: settlement.accept_payment,
    p.ClosePayment: settlement.close_payment,
    p.PostponeCheck: settlement.postpone_check,
    p.BeginRefund: refunds.begin_refund,
    p.FailRefund: refunds.fail_refund,
    p.RecordRefund: refunds.record_refund,
    p.RecordDispute: disputes.record_dispute,
    s.AskPayer: subscriptions.ask_payer,
    s.WaitForCharge: subscriptions.wait_for_charge,
    s.Subscribe: subscriptions.subscribe,
    s.ChangePlan: plan_changes.change_plan,
    s.KeepSubscription: plan_changes.keep,
    s.PayRenewal: subscriptions.pay_renewal,
    s.PauseSubscription: plan_changes.pause,
    s.ResumeSubscription: subscriptions.resume,
    s.CancelSubscription: subscriptions.cancel,
    s.ExtendPeriod: given_plans.extend_period,
    s.GrantPlan: given_plans.grant_plan,
    takeover.TakeOverBalance: takeover.take_over_balance,
    takeover.TakeOverDeduction: takeover.take_over_deduction,
    takeover.TakeOverSubscription: takeover.take_over_subscription,
    c.Freeze: access.freeze,
    c.Unfreeze: access.unfreeze,
    c.Retell: access.retell,
}


def apply(account: Account, command: c.Command, rules: Rules) -> Outcome:
    """Book what is due by the command's time, then the command.

    A request key that was bound before, and still is, gives what was done then. A refusal is an
    outcome; it leaves nothing of the command behind, since handlers refuse before they change
    anything.
    """
    request = command.request
    steps = [] if request is None else steps_of(account, command)
    stand = [step for step in steps if not came_to_nothing(account, step)]
    if request is not None and stand:
        return _replay(account, stand[-1], request.fingerprint)
    account.begin(command, rules)
    book_due(account)
    if request is not None:
        begin_anew(account, steps, request.key)
        account.caused_by(request.client_key)
    try:
        outcome = _HANDLERS[type(command)](account, command)
    except PaymentServiceError as refusal:
        account.caused_by(None)
        outcome = Outcome(refusal=refusal)
    access.watch_credits(account)
    disputes.watch_debt(account)
    watch_plan(account)
    access.tell_services(account)
    account.finish()
    return outcome


def _replay(account: Account, done: Transaction | RequestRecord, fingerprint: bytes) -> Outcome:
    if done.fingerprint != fingerprint:
        return Outcome(refusal=IdempotencyKeyReused())
    if isinstance(done, RequestRecord):
        payment, last = account.payments.get(done.subject_id), account.wallet.subscription
        done_to = done.subject_id if payment is None else payment.subscription_id
        return Outcome(payment=payment, subscription=last, replayed=True, done_to=done_to)
    hold = account.holds.get(done.hold_id) if done.hold_id else None
    if hold is not None and done.kind is TransactionKind.HOLD:
        # As it was when it was placed, whatever has become of it since.
        hold = replace(hold, status=HoldStatus.ACTIVE, captured=0)
    return Outcome(done, hold, replayed=True)
