"""From the domain's nouns to what clients see."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from shothik_payment.domain.model.api_key import ApiKey
from shothik_payment.domain.model.hold import Hold
from shothik_payment.domain.model.payment import Dispute, Payment, Refund
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.model.transaction import Transaction
from shothik_payment.domain.model.wallet import Wallet
from shothik_payment.domain.ports.event_log import RecordedEvent
from shothik_payment.domain.use_cases.wallet_views import LimitView, ServiceUsage
from shothik_payment.entrypoints.http import payment_replies as p
from shothik_payment.entrypoints.http import replies as r
from shothik_payment.entrypoints.http.times import optional_rfc3339, rfc3339

EVENT_SOURCE = "/shothik-payment"
SEQUENCE_DIGITS = 20


def sequence_text(sequence: int) -> str:
    """With leading zeros, so that texts compare as the numbers do."""
    return f"{sequence:0{SEQUENCE_DIGITS}d}"


def limit_view(limit: LimitView) -> r.LimitView:
    return r.LimitView(
        unit=limit.unit.value,
        allowed=limit.allowed,
        used=limit.used,
        held=limit.held,
        remaining=limit.remaining,
        resets_at=optional_rfc3339(limit.resets_at),
        near=limit.near,
    )


def _usage_view(used: ServiceUsage) -> r.UsageView:
    limit = used.limit
    return r.UsageView(
        service=used.service,
        count=used.usage.count,
        credits=used.usage.credits,
        limit=None
        if limit is None
        else r.UsedLimitView(
            unit=limit.unit.value,
            allowed=limit.allowed,
            remaining=limit.remaining,
            near=limit.near,
        ),
        resets_at=optional_rfc3339(used.resets_at),
    )


def wallet_view(wallet: Wallet, usage: list[ServiceUsage]) -> r.WalletView:
    return r.WalletView(
        balance=wallet.available,
        status=wallet.status,  # type: ignore[arg-type]
        held=wallet.held,
        debt=wallet.debt,
        grants=[
            r.GrantView(
                id=grant.id,
                source=grant.source,
                amount=grant.amount,
                available=grant.available,
                held=grant.held,
                expires_at=optional_rfc3339(grant.expires_at),
            )
            for grant in wallet.grants
        ],
        usage=[_usage_view(used) for used in usage],
    )


def transaction_view(row: Transaction) -> r.TransactionView:
    return r.TransactionView(
        id=row.id,
        number=row.number,
        kind=row.kind,
        at=rfc3339(row.at),
        amount=row.amount,
        available_delta=row.available_delta,
        held_delta=row.held_delta,
        debt_delta=row.debt_delta,
        balance_before=row.balance_before,
        balance_after=row.balance_after,
        new_balance=row.new_balance,
        grants=[
            r.GrantPartView(
                grant_id=part.grant_id,
                available_delta=part.available_delta,
                held_delta=part.held_delta,
            )
            for part in row.parts
        ],
        service=row.service,
        feature=row.feature,
        hold_id=row.hold_id,
        payment_id=row.payment_id,
        reverses=row.reverses,
        reversed_total=row.reversed_total,
        reason=row.reason,
        metadata=row.metadata,
        request_id=row.request_id,
    )


def hold_view(hold: Hold, status: str, captured: int) -> r.HoldView:
    return r.HoldView(
        id=hold.id,
        user_id=hold.user_id,
        service=hold.service,
        amount=hold.amount,
        captured=captured,
        status=status,  # type: ignore[arg-type]
        expires_at=rfc3339(hold.expires_at),
    )


def payment_view(payment: Payment) -> p.PaymentView:
    return p.PaymentView(**_of_payment(payment))


def _of_payment(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "gateway": payment.gateway,
        "status": payment.status.value,
        "amount_minor": payment.price.amount_minor,
        "currency": payment.price.currency,
        "credits": payment.credits,
        "pack_id": payment.pack_id,
        "plan": payment.plan,
        "session_id": payment.session_id,
        "payment_url": payment.payment_url,
        "failure_code": payment.failure_code,
        "refunded_minor": payment.refunded_minor,
        "created_at": rfc3339(payment.created_at),
        "updated_at": rfc3339(payment.updated_at),
    }


def admin_payment_view(payment: Payment) -> p.AdminPaymentView:
    paid = payment.paid
    return p.AdminPaymentView(
        **_of_payment(payment),
        user_id=payment.user_id,
        paid_minor=None if paid is None else paid.amount_minor,
        paid_currency=None if paid is None else paid.currency,
        reference=payment.reference,
        review_reason=payment.review_reason,
        review_note=payment.review_note,
        refunds=[_refund_view(refund) for refund in payment.refunds],
        disputes=[_dispute_view(dispute) for dispute in payment.disputes],
    )


def _refund_view(refund: Refund) -> p.RefundView:
    return p.RefundView(
        id=refund.id,
        amount_minor=refund.amount_minor,
        status=refund.state.value,
        reason=refund.reason,
        gateway_id=refund.gateway_id,
        credits_taken=refund.clawed,
        failure_code=refund.failure_code,
        created_at=rfc3339(refund.created_at),
    )


def _dispute_view(dispute: Dispute) -> p.DisputeView:
    return p.DisputeView(
        id=dispute.id,
        amount_minor=dispute.amount_minor,
        status=dispute.state.value,
        credits_taken=dispute.clawed,
        opened_at=rfc3339(dispute.opened_at),
    )


def api_key_view(key: ApiKey, now: Millis) -> r.ApiKeyView:
    return r.ApiKeyView(
        id=key.id,
        service=key.service,
        name=key.name,
        prefix=key.prefix,
        last4=key.last4,
        scopes=[scope.value for scope in key.scopes],
        status=key.status(now).value,
        created_at=rfc3339(key.created_at),
        expires_at=optional_rfc3339(key.expires_at),
        last_used_at=optional_rfc3339(key.last_used_at),
        rate_limit=key.rate_limit,
        allowed_ips=key.allowed_ips,
        revoked_at=optional_rfc3339(key.revoked_at),
        rotated_at=optional_rfc3339(key.rotated_at),
        replaced_by=key.replaced_by,
        replaces=key.replaces,
        legacy=key.legacy,
    )


def event_view(event: RecordedEvent) -> r.EventView:
    return r.EventView(
        id=event.id,
        source=EVENT_SOURCE,
        type=event.type,
        subject=event.user_id,
        time=rfc3339(event.at),
        sequence=sequence_text(event.sequence),
        data=Raw(event.data),
    )
