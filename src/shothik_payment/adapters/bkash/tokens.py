"""bKash's access token: one for all processes, for about 52 minutes."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import structlog

from shothik_payment.adapters.bkash.answers import NoAnswer, StaleToken, read_answer
from shothik_payment.adapters.bkash.credentials import BkashCredentials
from shothik_payment.domain.errors import Unavailable
from shothik_payment.domain.model.time import SECOND, Millis
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.shared_lock import SharedLock
from shothik_payment.domain.ports.shared_values import SharedValues

log = structlog.get_logger(__name__)

Post = Callable[[str, dict[str, str], dict[str, str]], Awaitable[tuple[int, bytes]]]

GRANT = "/tokenized/checkout/token/grant"
_LIFE_SECONDS = 3600
_RENEWED_AT = (52, 60)
"""So many minutes of an hour: a request that takes its time still ends before the token does."""
_QUIET_MS = 5 * SECOND
"""After a grant that came to nothing."""
_LOCK_TTL_SECONDS = 40.0
_LOCK_WAIT_SECONDS = 35.0
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")
_SHARED = re.compile(r"(\d{1,15}) ([\x21-\x7e]{1,8192})")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    until: Millis

    def shared(self) -> str:
        return f"{self.until} {self.text}"


class Tokens:
    """Tokens are granted anew, never refreshed: a merchant who refreshes more than twice an hour
    is blocked for an hour, and a grant does all that a refresh does.

    While Redis is away, each process has a token of its own.
    """

    def __init__(
        self,
        credentials: BkashCredentials,
        base_url: str,
        post: Post,
        lock: SharedLock,
        shared: SharedValues,
        clock: Clock,
    ) -> None:
        self._credentials = credentials
        self._url = base_url + GRANT
        self._post = post
        self._lock = lock
        self._values = shared
        self._clock = clock
        account = f"{base_url}\0{credentials.username}\0{credentials.app_key}"
        self._name = f"bkash:token:{hashlib.sha256(account.encode()).hexdigest()[:16]}"
        self._own: _Token | None = None
        self._refused: str | None = None
        self._quiet_until = Millis(0)
        self._renewing = asyncio.Lock()

    async def get(self) -> str:
        """Raises NoAnswer."""
        own = self._own
        if own is None or not self._fresh(own):
            async with self._renewing:
                own = self._own
                if own is None or not self._fresh(own):
                    own = self._own = await self._renew_unless_refused()
        return own.text

    async def forget(self, token: str) -> None:
        """bKash did not take it. A newer one stays."""
        own = self._own
        if own is None or own.text != token:
            return
        self._own, self._refused = None, token
        try:
            await self._values.forget(self._name, own.shared())
        except Unavailable as error:
            log.warning("a refused token of bKash could not be forgotten", error=error.reason)

    async def _renew_unless_refused(self) -> _Token:
        """Who has waited for somebody else's grant, which came to nothing, hears that at once."""
        if self._clock.now() < self._quiet_until:
            raise NoAnswer("bKash gave no token a moment ago.")
        try:
            return await self._renew()
        except NoAnswer:
            self._quiet_until = Millis(self._clock.now() + _QUIET_MS)
            raise

    def _fresh(self, token: _Token) -> bool:
        return self._clock.now() < token.until

    async def _renew(self) -> _Token:
        found = await self._find()
        if found is not None:
            return found
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(
                    self._lock.hold(
                        self._name,
                        ttl_seconds=_LOCK_TTL_SECONDS,
                        wait_seconds=_LOCK_WAIT_SECONDS,
                    )
                )
            except Unavailable as error:
                log.warning("a token of bKash is asked for without the lock", error=error.reason)
            found = await self._find()
            if found is None:
                found = await self._grant()
                await self._share(found)
        return found

    async def _find(self) -> _Token | None:
        try:
            match = _SHARED.fullmatch(await self._values.get(self._name) or "")
        except Unavailable:
            return None
        if match is None or match[2] == self._refused:
            return None
        found = _Token(match[2], Millis(int(match[1])))
        return found if self._fresh(found) else None

    async def _share(self, token: _Token) -> None:
        seconds = (token.until - self._clock.now()) // SECOND
        try:
            if seconds > 0:
                await self._values.put(self._name, token.shared(), seconds)
        except Unavailable as error:
            log.warning("a token of bKash could not be shared", error=error.reason)

    async def _grant(self) -> _Token:
        began = self._clock.now()
        secrets = self._credentials
        try:
            answer = read_answer(
                *await self._post(
                    self._url,
                    {"app_key": secrets.app_key, "app_secret": secrets.app_secret},
                    {"username": secrets.username, "password": secrets.password},
                )
            )
        except NoAnswer as error:
            raise NoAnswer("bKash gives no token.") from error
        except StaleToken as error:
            log.error("bKash does not take the credentials")
            raise NoAnswer("bKash does not take the credentials.") from error
        token = answer.text("id_token")
        if answer.code is not None or not _TOKEN.fullmatch(token):
            log.error("bKash gives no token", code=answer.code)
            raise NoAnswer(f"bKash gives no token (code {answer.code}).")
        told = answer.text("expires_in")
        life = int(told) if told.isdecimal() and len(told) < 10 else _LIFE_SECONDS
        minutes, hour = _RENEWED_AT
        return _Token(token, Millis(began + life * SECOND * minutes // hour))
