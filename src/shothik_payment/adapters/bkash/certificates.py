"""The certificates that Amazon's SNS signs with, from one origin only."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass

import httpx
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from shothik_payment.adapters.bkash.web import TooLarge, Web
from shothik_payment.domain.errors import Misconfigured, Unauthenticated, Unavailable
from shothik_payment.domain.model.time import Millis

_ARN = re.compile(r"arn:(aws|aws-cn):sns:([a-z0-9-]{3,30}):\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_AMAZON = re.compile(r"https://sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?")
_LOOPBACK = re.compile(r"https?://(127\.0\.0\.1|localhost)(:\d{1,5})?")
_CERTIFICATE = re.compile(r"/[A-Za-z0-9_-]{1,200}\.pem", re.ASCII)
_CONFIRMATION = re.compile(r"/\?[A-Za-z0-9=&%:._~+-]{1,2000}", re.ASCII)

_SECONDS = 5.0
_MAX_BYTES = 16 * 1024
_MAX_KEPT = 8


def origin_of(topic_arn: str, configured: str | None) -> str:
    """Where the topic's messages are signed and confirmed: at Amazon in the topic's region, or as
    configured. Raises Misconfigured."""
    arn = _ARN.fullmatch(topic_arn)
    if arn is None:
        raise Misconfigured("BKASH_TOPIC_ARN", "expected arn:aws:sns:REGION:ACCOUNT:NAME")
    if configured is None:
        return f"https://sns.{arn[2]}.amazonaws.com{'.cn' if arn[1] == 'aws-cn' else ''}"
    origin = configured.rstrip("/")
    if not _AMAZON.fullmatch(origin) and not _LOOPBACK.fullmatch(origin):
        raise Misconfigured(
            "BKASH_SNS_CERT_ORIGIN", "expected https://sns.REGION.amazonaws.com, or this machine's"
        )
    return origin


@dataclass(frozen=True, slots=True)
class _Certificate:
    key: RSAPublicKey
    valid_from: Millis
    valid_until: Millis


class Certificates:
    """Addresses are compared as text, never taken apart: what a URL parser would read as a user,
    a port, a fragment or another host does not fit."""

    def __init__(self, origin: str, web: Web) -> None:
        self._origin = origin
        self._web = web
        self._kept: OrderedDict[str, _Certificate] = OrderedDict()
        self._fetching = asyncio.Lock()

    async def key(self, url: str, now: Millis) -> RSAPublicKey:
        """Raises Unauthenticated, before anything is fetched where it lies elsewhere; Unavailable
        where Amazon does not answer, so that the message is sent again."""
        if not self._lies_here(url, _CERTIFICATE):
            raise Unauthenticated("The signing certificate lies elsewhere.")
        found = self._kept.get(url)
        if found is None:
            async with self._fetching:
                found = self._kept.get(url) or _read(await self._fetch(url))
        if not found.valid_from <= now <= found.valid_until:
            self._kept.pop(url, None)
            raise Unauthenticated("The signing certificate is not valid at this time.")
        self._kept[url] = found
        self._kept.move_to_end(url)
        if len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return found.key

    def may_confirm(self, url: str) -> bool:
        return self._lies_here(url, _CONFIRMATION)

    async def confirm(self, url: str) -> None:
        """Raises Unavailable, and Unauthenticated where Amazon knows no such subscription."""
        await self._fetch(url)

    def _lies_here(self, url: str, rest: re.Pattern[str]) -> bool:
        ours = url.startswith(self._origin)
        return ours and rest.fullmatch(url[len(self._origin) :]) is not None

    async def _fetch(self, url: str) -> bytes:
        try:
            status, body = await self._web.fetch("GET", url, _SECONDS, _MAX_BYTES)
        except TooLarge as error:
            raise Unauthenticated("What lies there is no certificate.") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable("Amazon SNS does not answer.") from error
        if status >= 500 or status == 429:
            raise Unavailable(f"Amazon SNS answers with status {status}.")
        if status != 200:
            raise Unauthenticated(f"Amazon SNS answers with status {status}.")
        return body


def _read(pem: bytes) -> _Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Unauthenticated("What lies there is no certificate.") from error
    if not isinstance(key, RSAPublicKey):
        raise Unauthenticated("The signing certificate has another kind of key.")
    return _Certificate(
        key,
        Millis(int(certificate.not_valid_before_utc.timestamp() * 1000)),
        Millis(int(certificate.not_valid_after_utc.timestamp() * 1000)),
    )
