"""Amazon's SNS: a topic that signs what it tells."""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

Json = dict[str, Any]

_SIGNED = {
    "Notification": "Message MessageId Subject Timestamp TopicArn Type".split(),
    "SubscriptionConfirmation": (
        "Message MessageId SubscribeURL Timestamp Token TopicArn Type".split()
    ),
    "UnsubscribeConfirmation": (
        "Message MessageId SubscribeURL Timestamp Token TopicArn Type".split()
    ),
}
CERTIFICATE = "/SimpleNotificationService-test.pem"
EXPIRED = "/SimpleNotificationService-expired.pem"
REDIRECTING = "/SimpleNotificationService-redirect.pem"
HUGE = "/SimpleNotificationService-huge.pem"


class Topic:
    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        now = datetime.now(UTC)
        day = timedelta(days=1)
        self.certificates = {
            CERTIFICATE: self._certificate(now - day, now + 30 * day),
            EXPIRED: self._certificate(now - 30 * day, now - day),
        }

    def _certificate(self, start: datetime, end: datetime) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .sign(self._key, SHA256())
            .public_bytes(Encoding.PEM)
        )

    def envelope(self, origin: str, order: Json) -> Json:
        """A signed message. `order`: Type, Message, SignatureVersion, and any field as it is to
        be; what is signed is what is sent."""
        kind = order.get("Type", "Notification")
        now = datetime.now(UTC) + timedelta(seconds=order.pop("age_seconds", 0) * -1)
        envelope: Json = {
            "Type": kind,
            "MessageId": str(uuid.uuid4()),
            "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z",
            "SignatureVersion": "1",
            "SigningCertURL": origin + CERTIFICATE,
        }
        if kind == "Notification":
            envelope["UnsubscribeURL"] = f"{origin}/?Action=Unsubscribe"
        else:
            envelope["Token"] = secrets.token_hex(16)
            envelope["Message"] = "You have chosen to subscribe to the topic."
            envelope["SubscribeURL"] = (
                f"{origin}/?Action=ConfirmSubscription&TopicArn={order['TopicArn']}"
                f"&Token={envelope['Token']}"
            )
        envelope |= order
        lines = (f"{name}\n{envelope[name]}\n" for name in _SIGNED[kind] if name in envelope)
        hash_ = SHA1() if envelope["SignatureVersion"] == "1" else SHA256()
        signature = self._key.sign("".join(lines).encode(), PKCS1v15(), hash_)
        envelope["Signature"] = base64.b64encode(signature).decode()
        return envelope


def payment_message(invoice: str | None, trx_id: str | None, amount: str, msisdn: str) -> str:
    message = {
        "dateTime": datetime.now(UTC).strftime("%Y%m%d%H%M%S"),
        "debitMSISDN": msisdn,
        "creditOrganizationName": "Shothik",
        "creditShortCode": "50022",
        "trxID": trx_id,
        "transactionStatus": "Completed",
        "transactionType": "10003801",
        "amount": amount,
        "currency": "BDT",
        "transactionReference": "User inputed reference value.",
        "merchantInvoiceNumber": invoice,
    }
    return json.dumps({name: value for name, value in message.items() if value is not None})
