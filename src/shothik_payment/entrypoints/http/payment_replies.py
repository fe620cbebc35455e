"""What users and admins get about payments."""

from __future__ import annotations

from shothik_payment.entrypoints.http.replies import Next, Reply, Time, View


class InitiateReply(Reply, kw_only=True, frozen=True):
    payment_id: str
    session_id: str | None
    payment_url: str | None


class PaymentView(View, kw_only=True, frozen=True):
    id: str
    gateway: str
    status: str
    amount_minor: int
    currency: str
    credits: int
    pack_id: str | None
    plan: str | None
    session_id: str | None
    payment_url: str | None
    failure_code: str | None
    refunded_minor: int
    created_at: Time
    updated_at: Time


class PaymentReply(Reply, kw_only=True, frozen=True):
    payment: PaymentView


class RefundView(View, kw_only=True, frozen=True):
    """`creditsTaken`: taken back for it, those booked as debt included."""

    id: str
    amount_minor: int
    status: str
    reason: str | None
    gateway_id: str | None
    credits_taken: int
    failure_code: str | None
    created_at: Time


class DisputeView(View, kw_only=True, frozen=True):
    id: str
    amount_minor: int
    status: str
    credits_taken: int
    opened_at: Time


class AdminPaymentView(PaymentView, kw_only=True, frozen=True):
    """`paidMinor` and `paidCurrency` are what the gateway says was paid, `reference` its id of that
    money; `reviewReason` says why somebody has to look at it,
    `reviewNote` what was said when a review was ended."""

    user_id: str
    paid_minor: int | None
    paid_currency: str | None
    reference: str | None
    review_reason: str | None
    review_note: str | None
    refunds: list[RefundView]
    disputes: list[DisputeView]


class AdminPaymentReply(Reply, kw_only=True, frozen=True):
    payment: AdminPaymentView


class AdminPaymentsReply(Reply, kw_only=True, frozen=True):
    payments: list[AdminPaymentView]
    next: Next | None


class PaymentsReply(Reply, kw_only=True, frozen=True):
    payments: list[PaymentView]
    next: Next | None
