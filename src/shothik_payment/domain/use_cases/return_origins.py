"""Where browsers may be sent."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from shothik_payment.domain.errors import InvalidRequest


class ReturnOrigins:
    """Where a browser may be sent after a checkout: exact origins, or any port where an entry
    ends in `:*`."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = frozenset(allowed)

    def require(self, field: str, url: str | None) -> None:
        if url is None:
            return
        expected = InvalidRequest.of(field, "an http(s) URL of an allowed origin")
        if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
            raise expected
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise expected from None
        if parts.scheme not in ("http", "https") or "@" in parts.netloc or not parts.hostname:
            raise expected
        host = f"{parts.scheme}://{parts.netloc.partition(':')[0].lower()}"
        exact = host if port is None else f"{host}:{port}"
        if exact not in self._allowed and f"{host}:*" not in self._allowed:
            raise expected
