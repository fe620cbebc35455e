"""bKash's notifications, which come signed through Amazon SNS."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from shothik_payment.adapters.bkash.certificates import Certificates, origin_of
from shothik_payment.adapters.bkash.web import Web
from shothik_payment.domain.errors import InvalidRequest, Unauthenticated
from shothik_payment.domain.model.time import HOUR, MINUTE
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.gateway import Notification

log = structlog.get_logger(__name__)

OLDEST_MS = HOUR
"""SNS tries for an hour at the most."""
NEWEST_MS = 5 * MINUTE
"""For clocks that differ."""

_TYPE_HEADER = "x-amz-sns-message-type"
_OF_ALL = ("Message", "MessageId", "Timestamp", "TopicArn", "Type", "SignatureVersion")
_CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        _CONFIRMATIONS,
        ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    ),
}
# Version 1 is SNS's own, and what a topic signs with unless its owner has changed it.
_HASHES = {"1": SHA1, "2": SHA256}
_ID = re.compile(r"[\x21-\x7e]{1,128}")
_OURS = re.compile(r"pay_[A-Za-z0-9_-]{1,120}")

Envelope = Mapping[str, str]


def is_ours(invoice: object) -> bool:
    """The merchant's invoice number is an id of a payment of this service."""
    return isinstance(invoice, str) and _OURS.fullmatch(invoice) is not None


class Notifications:
    """Any customer of Amazon's can have messages signed, so the topic is pinned, and looked at
    before anything else."""

    def __init__(
        self, topic_arn: str | None, cert_origin: str | None, web: Web, clock: Clock
    ) -> None:
        """Raises Misconfigured."""
        self._topic = topic_arn
        self._clock = clock
        self._certificates = (
            Certificates(origin_of(topic_arn, cert_origin), web) if topic_arn else None
        )

    async def read(self, body: bytes, headers: Mapping[str, str]) -> Notification | None:
        envelope = _envelope(body)
        if self._certificates is None or envelope.get("TopicArn") != self._topic:
            raise Unauthenticated("The message is of another topic.")
        kind = self._require_shape(envelope, headers)
        if kind == "SubscriptionConfirmation" and not self._certificates.may_confirm(
            envelope["SubscribeURL"]
        ):
            raise Unauthenticated("The subscription is confirmed elsewhere.")
        await self._require_signature(self._certificates, envelope, kind)
        if kind == "SubscriptionConfirmation":
            await self._certificates.confirm(envelope["SubscribeURL"])
            log.info("the topic of bKash's notifications is subscribed to")
            return None
        if kind == "UnsubscribeConfirmation":
            log.warning("the topic of bKash's notifications was unsubscribed from")
            return None
        return _payment(envelope)

    def _require_shape(self, envelope: Envelope, headers: Mapping[str, str]) -> str:
        kind = envelope.get("Type", "")
        more = ("SubscribeURL", "Token") if kind in _CONFIRMATIONS else ()
        named = headers.get(_TYPE_HEADER, kind)
        complete = all(name in envelope for name in (*_OF_ALL, *more))
        if kind not in _SIGNED or named != kind or not complete:
            raise Unauthenticated("The message is not one of Amazon SNS.")
        if not _ID.fullmatch(envelope["MessageId"]):
            raise Unauthenticated("The message has no proper id.")
        age = self._clock.now() - _millis(envelope["Timestamp"])
        if not -NEWEST_MS <= age <= OLDEST_MS:
            raise Unauthenticated("The message is too old, or from the future.")
        return kind

    async def _require_signature(
        self, certificates: Certificates, envelope: Envelope, kind: str
    ) -> None:
        hash_ = _HASHES.get(envelope["SignatureVersion"])
        if hash_ is None:
            raise Unauthenticated("The signature is of an unknown version.")
        try:
            signature = base64.b64decode(envelope.get("Signature", ""), validate=True)
        except ValueError as error:
            raise Unauthenticated("The signature is malformed.") from error
        if not signature:
            raise Unauthenticated("The signature is missing.")
        key = await certificates.key(envelope.get("SigningCertURL", ""), self._clock.now())
        try:
            key.verify(signature, signed_text(envelope, kind), PKCS1v15(), hash_())
        except InvalidSignature as error:
            raise Unauthenticated("The signature does not fit the message.") from error


def signed_text(envelope: Envelope, kind: str) -> bytes:
    lines = (f"{name}\n{envelope[name]}\n" for name in _SIGNED[kind] if name in envelope)
    return "".join(lines).encode()


def _envelope(body: bytes) -> Envelope:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest.of("body", "a message of Amazon SNS") from error
    if not isinstance(fields, dict):
        raise InvalidRequest.of("body", "a message of Amazon SNS")
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def _millis(timestamp: str) -> int:
    try:
        at = datetime.fromisoformat(timestamp)
    except ValueError:
        return 0  # as old as can be
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def _payment(envelope: Envelope) -> Notification | None:
    """Of the message only what is needed to ask for the truth; the payer's number is in it."""
    try:
        message = json.loads(envelope["Message"])
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        log.warning("a notification of bKash tells of no payment", message_id=envelope["MessageId"])
        return None
    invoice, reference = message.get("merchantInvoiceNumber"), message.get("trxID")
    if not isinstance(reference, str) or not _ID.fullmatch(reference):
        reference = None
    if is_ours(invoice):
        return Notification(envelope["MessageId"], "payment", invoice, reference=reference)
    if invoice or reference is None:
        return None  # paid to the merchant in another way than through this service
    return Notification(envelope["MessageId"], "payment", reference=reference)
