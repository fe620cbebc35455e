"""`reconcile`: compare gateways, payments, ledger, balances and outbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import rich_click as click

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.use_cases.differences import Difference
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.cli.group import WRONG
from shothik_payment.entrypoints.cli.support import (
    Moment,
    json_option,
    print_json,
    with_application,
)
from shothik_payment.entrypoints.cli.verify import progress_bar
from shothik_payment.entrypoints.http.times import millis


@dataclass(slots=True)
class _Total:
    users: int = 0
    payments: int = 0
    differences: list[Difference] = field(default_factory=list)
    repaired: list[Difference] = field(default_factory=list)


@click.command(epilog="Example: shothik-payment reconcile --since 2027-01-31 --repair --json")
@click.option("--repair", is_flag=True, help="Mend what has one right answer, the gateway's.")
@click.option("--since", type=Moment(), help="Only payments created from then on.  [default: all]")
@json_option
@click.pass_context
def reconcile(context: click.Context, repair: bool, since: datetime | None, as_json: bool) -> None:
    """Compare the money at the gateways with payments, ledger, balances and events.

    Each difference is named with its amount; the exit code is 1 if one is left. A payment that its
    gateway says nothing of counts as one. What has one right answer is mended with --repair: what
    was paid, returned or disputed at the gateway and is not known here. A server may be running
    meanwhile.
    """

    async def work(application: Application) -> _Total:
        return await _reconcile(application, since, repair=repair)

    total = with_application(work)
    if as_json:
        print_json(
            {
                "users": total.users,
                "payments": total.payments,
                "differences": [_as_json(d) for d in total.differences],
                "repaired": [_as_json(d) for d in total.repaired],
            }
        )
    else:
        _print(total)
    if total.differences:
        context.exit(WRONG)


async def _reconcile(application: Application, since: datetime | None, *, repair: bool) -> _Total:
    total = _Total()
    run = application.reconcile.run(since=millis(since), repair=repair)
    with progress_bar() as progress:
        task = progress.add_task("Users", total=await application.reconcile.count())
        async for done in run:
            total.users += 1
            total.payments += done.payments
            total.differences += done.differences
            total.repaired += done.repaired
            progress.advance(task)
    return total


def _print(total: _Total) -> None:
    for difference in total.repaired:
        click.echo(f"Repaired: {difference}")
    for difference in total.differences:
        click.echo(f"{difference}{' (--repair mends it)' if difference.repairable else ''}")
    count = len(total.differences)
    left = f"{count:,} difference{'' if count == 1 else 's'}" if count else "no difference"
    mended = f", {len(total.repaired):,} repaired" if total.repaired else ""
    click.echo(f"{total.users:,} users, {total.payments:,} payments: {left} left{mended}.")


def _as_json(difference: Difference) -> dict[str, Any]:
    amount = difference.amount
    shown: dict[str, Any] | None = None
    if isinstance(amount, Money):
        shown = {"amountMinor": amount.amount_minor, "currency": amount.currency}
    elif amount is not None:
        shown = {"credits": amount}
    return {
        "userId": difference.user_id,
        "paymentId": difference.payment_id,
        "gateway": difference.gateway,
        "kind": difference.kind,
        "what": difference.what,
        "ours": difference.ours,
        "theirs": difference.theirs,
        "amount": shown,
        "repairable": difference.repairable,
    }
