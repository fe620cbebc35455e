"""Comparing what a test service has with what its gateway says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shothik_payment.adapters import codec
from shothik_payment.adapters.memory.ledger_audit import MemoryLedgerAudit
from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.payment import DisputeState, Payment, RefundState
from shothik_payment.domain.ports.gateway import GatewayDispute, GatewayRefund, GatewayState
from shothik_payment.domain.use_cases.differences import Difference
from shothik_payment.domain.use_cases.reconcile import Reconcile, Reconciled
from tests.support.checkouts import PRICE, initiate, stored
from tests.support.service import ScriptedGateway, TestService

HALF = Money(500, "USD")
PAID, OPEN = GatewayState.PAID, GatewayState.OPEN


def reconcile(service: TestService, *gateways: ScriptedGateway) -> Reconcile:
    return Reconcile(
        MemoryLedgerAudit(service.state),
        service.wallets,
        service.payments,
        service.log,
        {gateway.name: gateway for gateway in gateways or (service.gateway,)},
        service.settlements,
        service.clock,
    )


async def total(service: TestService, *gateways: ScriptedGateway, **options: Any) -> Reconciled:
    """Of all users together."""
    whole = Reconciled("all")
    async for done in reconcile(service, *gateways).run(**options):
        whole.payments += done.payments
        whole.differences += done.differences
        whole.repaired += done.repaired
    return whole


async def found(service: TestService, **options: Any) -> list[Difference]:
    return (await total(service, **options)).differences


def words(differences: list[Difference], payment: Payment) -> list[str]:
    """Without who it is about, which is the same in all of them."""
    start = f"{payment.user_id}, {payment.id}: "
    assert all(str(difference).startswith(start) for difference in differences)
    return [str(difference).removeprefix(start) for difference in differences]


async def bought(service: TestService, user: str = "u1", **told: Any) -> Payment:
    """Paid and settled with what the gateway tells."""
    payment = await initiate(service, user)
    service.gateway.says(payment, PAID, PRICE, **told)
    await service.hear(payment)
    return await stored(service, payment)


def spoil(service: TestService, payment: Payment, **changes: Any) -> None:
    service.state.payments[payment.id] = codec.encode(replace(payment, **changes))


def refund(amount: Money = HALF, state: RefundState = RefundState.SUCCEEDED) -> GatewayRefund:
    return GatewayRefund("re_1", amount, state)


def dispute(amount: Money = PRICE, state: DisputeState = DisputeState.OPEN) -> GatewayDispute:
    return GatewayDispute("dp_1", amount, state)
