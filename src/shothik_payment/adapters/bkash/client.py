"""One request to bKash: with a token, in bounded time and size."""

from __future__ import annotations

import httpx

from shothik_payment.adapters.bkash.answers import (
    TRY_AGAIN,
    Answer,
    NoAnswer,
    StaleToken,
    read_answer,
)
from shothik_payment.adapters.bkash.credentials import BkashCredentials
from shothik_payment.adapters.bkash.tokens import Tokens
from shothik_payment.adapters.bkash.web import Web
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.shared_lock import SharedLock
from shothik_payment.domain.ports.shared_values import SharedValues

CREATE = "/tokenized/checkout/create"
EXECUTE = "/tokenized/checkout/execute"
QUERY = "/tokenized/checkout/payment/status"
SEARCH = "/tokenized/checkout/general/searchTransaction"
CANCEL_AGREEMENT = "/tokenized/checkout/agreement/cancel"
REFUND = "/v2/tokenized-checkout/refund/payment/transaction"
REFUND_STATUS = "/v2/tokenized-checkout/refund/payment/status"

_FROM_HOST_ROOT = (REFUND, REFUND_STATUS)
_MAX_ANSWER_BYTES = 256 * 1024


class BkashClient:
    """`timeout_seconds`: of one request, from the first byte sent to the last byte read."""

    def __init__(
        self,
        credentials: BkashCredentials,
        base_url: str,
        lock: SharedLock,
        shared: SharedValues,
        clock: Clock,
        web: Web,
        timeout_seconds: float,
    ) -> None:
        self._credentials = credentials
        self._base = base_url.rstrip("/")
        self._root = str(httpx.URL(self._base).copy_with(raw_path=b"/")).rstrip("/")
        self._web = web
        self._timeout_seconds = timeout_seconds
        self._tokens = Tokens(credentials, self._base, self._post, lock, shared, clock)

    async def ask(self, path: str, body: dict[str, str]) -> Answer:
        """Raises Unavailable where there is no answer, or one that asks for patience."""
        try:
            answer = await self.call(path, body)
        except NoAnswer as error:
            raise Unavailable(error.reason) from error
        if answer.code in TRY_AGAIN:
            raise Unavailable(f"bKash asks for patience (code {answer.code}).")
        return answer

    async def call(self, path: str, body: dict[str, str]) -> Answer:
        """Raises NoAnswer. Sent again only where bKash did not look at it: once, and with a new
        token."""
        token = await self._tokens.get()
        try:
            return await self._once(path, body, token)
        except StaleToken:
            await self._tokens.forget(token)
        token = await self._tokens.get()
        try:
            return await self._once(path, body, token)
        except StaleToken as error:
            await self._tokens.forget(token)
            raise NoAnswer("bKash does not take the token that it has just given.") from error

    async def _once(self, path: str, body: dict[str, str], token: str) -> Answer:
        base = self._root if path in _FROM_HOST_ROOT else self._base
        headers = {"authorization": token, "x-app-key": self._credentials.app_key}
        return read_answer(*await self._post(base + path, body, headers))

    async def _post(
        self, url: str, body: dict[str, str], headers: dict[str, str]
    ) -> tuple[int, bytes]:
        try:
            return await self._web.fetch(
                "POST", url, self._timeout_seconds, _MAX_ANSWER_BYTES, json=body, headers=headers
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NoAnswer("bKash cannot be reached.") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise NoAnswer("bKash does not answer.", under_way=True) from error
