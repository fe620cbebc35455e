"""What a request key is bound to, and when it is free again.

One rule: a key is bound by the first answer that was no refusal. A request records its payment, and
binds its key to it, before any gateway is asked; it is refused, or killed, only while the payer has
neither been charged nor given a link. So the key binds while its payment is open, and for good once
there is a charge or a link. Where the payment has come to nothing the key is free, whoever gave it
up, and however late the request comes again. One that is answered before its charge has an end is
bound to the subscription instead (WaitForCharge), and stays so whatever that end is.
"""

from __future__ import annotations

from shothik_payment.domain.ledger.account import Account
from shothik_payment.domain.ledger.commands import Command
from shothik_payment.domain.model.payment import PaymentStatus
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.ports.ledger_store import RequestRecord

Done = Transaction | RequestRecord


def steps_of(account: Account, command: Command) -> list[Done]:
    """What the command's request has done before, the last of it at the end."""
    return [account.done[key] for key in command.request_keys() if key in account.done]


def came_to_nothing(account: Account, done: Done) -> bool:
    payment = account.payments.get(done.subject_id) if isinstance(done, RequestRecord) else None
    return payment is not None and payment.came_to_nothing


def begin_anew(account: Account, steps: list[Done], key: str) -> None:
    """Free `key`, and those of later steps, of a request that has come to nothing. What it had
    recorded gets no link any more, however late its checkout comes: what it records now may have
    one."""
    for done in steps:
        if not isinstance(done, RequestRecord):
            continue
        if done.key.startswith(key):
            account.forget_request(done.key)
        payment = account.payments.get(done.subject_id)
        given_up = payment is not None and payment.status is PaymentStatus.FAILED
        if payment is not None and given_up and not payment.off_session:
            payment.status = PaymentStatus.CANCELLED
            account.save_payment(payment)
