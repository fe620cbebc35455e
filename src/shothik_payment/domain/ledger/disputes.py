"""Disputes: the payer asks their bank for the money back, and the bank decides."""

from __future__ import annotations

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.outcome import Outcome
from shothik_payment.domain.ledger.payment_commands import RecordDispute
from shothik_payment.domain.ledger.recovery import recover
from shothik_payment.domain.ledger.settlement import payment_of, settle_status
from shothik_payment.domain.model.payment import Dispute, DisputeState
from shothik_payment.domain.model.stop import Stop, StopCause

_ORDER = [DisputeState.OPEN, DisputeState.LOST, DisputeState.WON]
"""Forward only; what was lost can be won on appeal."""
_OWED = "owed for "
"""Before the dispute's id: the stop that stays after a loss."""
_REASONS = {
    DisputeState.OPEN: "dispute",
    DisputeState.WON: "dispute_won",
    DisputeState.LOST: "dispute_lost",
}


def is_news(ours: DisputeState, told: DisputeState) -> bool:
    return _ORDER.index(told) > _ORDER.index(ours)


def record_dispute(account: Account, command: RecordDispute) -> Outcome:
    payment = payment_of(account, command.payment_id)
    told = command.dispute
    dispute = next((d for d in payment.disputes if d.id == told.id), None)
    known = dispute is not None and not is_news(dispute.state, told.state)
    if payment.paid is None or known:
        return Outcome(payment=payment, replayed=True)
    if dispute is None:
        dispute = Dispute(told.id, told.amount.amount_minor, told.state, account.at)
        payment.disputes.append(dispute)
    dispute.state = told.state
    _stop(account, dispute)
    recover(account, payment, _REASONS[told.state])
    settle_status(account, payment)
    account.save_payment(payment)
    return Outcome(payment=payment)


def _stop(account: Account, dispute: Dispute) -> None:
    """While it is open; on a loss, as long as anything is owed."""
    if dispute.state is DisputeState.OPEN:
        account.add_stop(Stop(StopCause.DISPUTE, account.at, reference=dispute.id))
        return
    account.lift_stops(StopCause.DISPUTE, None, dispute.id)
    account.lift_stops(StopCause.DISPUTE, None, _OWED + dispute.id)
    if dispute.state is DisputeState.LOST:
        stop = Stop(StopCause.DISPUTE, dispute.opened_at, reference=_OWED + dispute.id)
        account.add_stop(stop)


def watch_debt(account: Account) -> None:
    """A lost dispute stops the user no more once nothing is owed."""
    if account.wallet.stops and not account.wallet.debt:
        for stop in account.wallet.stops:
            if (stop.reference or "").startswith(_OWED):
                account.lift_stops(stop.cause, stop.service, stop.reference)
