"""The records of the replaced service as lines of JSON; docs/import.md has examples."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from shothik_payment.domain.catalog import MAX_CREDITS
from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.model.networks import network_of
from shothik_payment.domain.use_cases.takeover import (
    OldDeduction,
    OldKey,
    OldRecord,
    OldSubscription,
    OldWallet,
)
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.times import millis
from shothik_payment.entrypoints.http.validation import BodyReader

_Balance = Annotated[
    int,
    Meta(ge=0, le=MAX_CREDITS, extra={"expected": f"a whole number from 0 to {MAX_CREDITS}"}),
]
_Count = Annotated[int, Meta(ge=0, extra={"expected": "a whole number from 0 on"})]
_PlainKey = Annotated[
    str,
    Meta(
        pattern=r"^[!-~]{16,128}$(?!\n)",
        extra={"expected": "16 to 128 visible ASCII characters"},
    ),
]
_Digest = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{64}$(?!\n)",
        extra={"expected": "a SHA-256 as 64 lowercase hexadecimal digits"},
    ),
]


class _Line(Struct, rename="camel", kw_only=True):
    pass


class WalletLine(_Line):
    user_id: f.UserId
    balance: _Balance

    def record(self) -> OldWallet:
        return OldWallet(self.user_id, self.balance)


class TransactionLine(_Line):
    transaction_id: f.Name
    user_id: f.UserId
    service: f.Name
    amount: f.Amount
    feature: f.Name | None = None
    metadata: f.Metadata | None = None

    def record(self) -> OldDeduction:
        return OldDeduction(
            self.transaction_id,
            self.user_id,
            self.service,
            self.amount,
            self.feature,
            self.metadata,
        )


class SubscriptionLine(_Line):
    user_id: f.UserId
    plan: f.Name
    current_period_start: f.Moment
    current_period_end: f.Moment
    gateway: f.Name | None = None
    currency: f.Currency | None = None
    cancel_at_period_end: f.Flag = False

    def record(self) -> OldSubscription:
        return OldSubscription(
            self.user_id,
            self.plan,
            millis(self.current_period_start),
            millis(self.current_period_end),
            self.gateway,
            self.currency,
            self.cancel_at_period_end,
        )


class ApiKeyLine(_Line):
    """Either the key itself or its digest with its last four characters."""

    service: f.Name
    created_at: f.Moment
    key: _PlainKey | None = None
    key_sha256: _Digest | None = None
    last4: f.Name | None = None
    name: f.Name | None = None
    scopes: f.KeyScopes | None = None
    expires_at: f.Moment | None = None
    revoked_at: f.Moment | None = None
    allowed_ips: f.Networks | None = None
    rate_limit: f.Amount | None = None

    def record(self) -> OldKey:
        if (self.key is None) == (self.key_sha256 is None):
            raise InvalidRequest.of("key", "either key or keySha256, and not both")
        if self.key is not None:
            digest, last4 = hashlib.sha256(self.key.encode()).digest(), self.key[-4:]
        else:
            digest, last4 = bytes.fromhex(self.key_sha256 or ""), (self.last4 or "????")[-4:]
        networks = enumerate(self.allowed_ips or ())
        return OldKey(
            digest,
            last4,
            self.service,
            millis(self.created_at),
            self.name,
            millis(self.expires_at),
            millis(self.revoked_at),
            None if self.scopes is None else tuple(self.scopes),
            tuple(_network(index, text) for index, text in networks),
            self.rate_limit,
        )


def _network(index: int, text: str) -> str:
    try:
        return str(network_of(text))
    except ValueError:
        raise InvalidRequest.of(f"allowedIps[{index}]", "an IP address or network") from None


class TotalsLine(_Line):
    """What the whole run has to add up to; what is absent is not compared."""

    wallets: _Count | None = None
    credits: _Count | None = None
    transactions: _Count | None = None
    subscriptions: _Count | None = None
    api_keys: _Count | None = None


class _Kind(Struct):
    type: str


_RECORDS: dict[str, BodyReader[Any]] = {
    "wallet": BodyReader(WalletLine),
    "transaction": BodyReader(TransactionLine),
    "subscription": BodyReader(SubscriptionLine),
    "apiKey": BodyReader(ApiKeyLine),
}
_read_totals = BodyReader(TotalsLine).read
_read_kind: Callable[[bytes], _Kind] = msgspec.json.Decoder(_Kind).decode
KINDS = tuple(_RECORDS)


def read_line(line: bytes) -> tuple[str, OldRecord] | TotalsLine:
    """One line: what kind of record and the record, or the totals. Raises InvalidRequest with
    every field that is wrong."""
    try:
        kind = _read_kind(line).type
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest.of("type", f"a JSON object with {_kinds()}") from None
    if kind == "totals":
        return _read_totals(line)
    reader = _RECORDS.get(kind)
    if reader is None:
        raise InvalidRequest.of("type", _kinds())
    return kind, reader.read(line).record()


def _kinds() -> str:
    return f"one of {', '.join(KINDS)}, totals"


def identity(kind: str, record: OldRecord) -> tuple[str, str | bytes]:
    """What may be there once in a run."""
    if isinstance(record, OldDeduction):
        return kind, record.transaction_id
    if isinstance(record, OldKey):
        return kind, record.digest
    return kind, record.user_id
