"""Signing browsers in and out."""

from __future__ import annotations

from shothik_payment.domain.errors import Forbidden, Unauthenticated
from shothik_payment.domain.model.time import HOUR, Millis
from shothik_payment.domain.model.web_session import Realm, WebSession, digest_of_cookie
from shothik_payment.domain.ports.clock import Clock
from shothik_payment.domain.ports.ids import Ids
from shothik_payment.domain.ports.tokens import TokenVerifier
from shothik_payment.domain.ports.web_sessions import WebSessions
from shothik_payment.domain.use_cases.principals import UserPrincipal

SESSION_MS = 8 * HOUR
"""A session ends then, or with the token that opened it if that is earlier."""


class SignIn:
    def __init__(
        self, sessions: WebSessions, tokens: TokenVerifier, clock: Clock, ids: Ids
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._clock = clock
        self._ids = ids

    async def open(self, realm: Realm, token: str) -> tuple[str, WebSession]:
        """The cookie of a new session for whom the token is. Raises Unauthenticated, and Forbidden
        where the realm is not the user's."""
        claims = await self._tokens.verify(token)
        if realm is Realm.ADMIN:
            UserPrincipal(claims.user_id, claims.role).require_admin()
        now = self._clock.now()
        cookie = self._ids.secret()
        session = WebSession(
            digest_of_cookie(cookie),
            realm,
            claims.user_id,
            form_token=self._ids.secret(),
            opened_at=now,
            expires_at=min(Millis(now + SESSION_MS), claims.expires_at),
        )
        await self._sessions.add(session)
        return cookie, session

    async def session(self, realm: Realm, cookie: str | None) -> WebSession:
        """The session of a cookie. Raises Unauthenticated without one, after its end, and after
        signing out; Forbidden for one of another realm."""
        if cookie is None:
            raise Unauthenticated("Please sign in.")
        session = await self._sessions.get(digest_of_cookie(cookie))
        if session is None or session.expires_at <= self._clock.now():
            raise Unauthenticated("The session has ended; please sign in again.")
        if session.realm is not realm:
            raise Forbidden("This session is for other pages.")
        return session

    async def close(self, session: WebSession) -> None:
        await self._sessions.remove(session.digest)
