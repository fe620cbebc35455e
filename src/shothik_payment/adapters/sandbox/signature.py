"""How the sandbox signs what it tells, as real gateways do."""

from __future__ import annotations

import hashlib
import hmac
import re

from shothik_payment.domain.errors import Unauthenticated
from shothik_payment.domain.model.time import SECOND, Millis

HEADER = "sandbox-signature"
TOLERANCE_MS = 300 * SECOND
_SHAPE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


class Signer:
    """`t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<raw body>">`, believed for five minutes around
    its time."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def sign(self, body: bytes, at: Millis) -> str:
        seconds = at // SECOND
        return f"t={seconds},v1={self.digest(f'{seconds}.'.encode() + body)}"

    def require(self, signature: str, body: bytes, at: Millis) -> None:
        """Raises Unauthenticated."""
        match = _SHAPE.fullmatch(signature)
        if match is None:
            raise Unauthenticated("The signature is missing or malformed.")
        seconds, digest = match.groups()
        if not hmac.compare_digest(digest, self.digest(f"{seconds}.".encode() + body)):
            raise Unauthenticated("The signature does not fit the body.")
        if abs(at - int(seconds) * SECOND) > TOLERANCE_MS:
            raise Unauthenticated("The signature is too old, or from the future.")

    def digest(self, message: bytes) -> str:
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()
