"""One request of a browser that is signed in: whose it is, what its form says, what it is shown."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from litestar import Response
from litestar.datastructures import Cookie
from litestar.response import Template
from litestar.types import Receive

from shothik_payment.domain.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    PaymentServiceError,
)
from shothik_payment.domain.ledger.commands import RequestBinding
from shothik_payment.domain.model.web_session import Realm, WebSession
from shothik_payment.domain.use_cases.requests import bind
from shothik_payment.entrypoints.application import Application
from shothik_payment.entrypoints.http.call import AnyRequest, Call, call_of
from shothik_payment.entrypoints.http.validation import MAX_QUERY_FIELDS, QueryReader

T = TypeVar("T", bound=msgspec.Struct)

FORM_TOKEN = "form_token"  # noqa: S105 the field's name
REQUEST_KEY = "request_key"
FORM_ZONE = "zone"
_ZONE_COOKIE = "zone"
_UTC = ZoneInfo("UTC")
_MAX_KEY = 64

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class Nothing(msgspec.Struct):
    """A form that only has a button."""


NOTHING = QueryReader(Nothing)


@dataclass(frozen=True, slots=True)
class Submitted(Generic[T]):
    """A form that may be acted on. `request` binds it to one effect, however often it is sent."""

    fields: T
    request: RequestBinding


@dataclass(frozen=True, slots=True)
class Visit:
    """`session` None on the pages before signing in. `typed`: what the form that was sent says, by
    field, to be shown again where it is refused."""

    call: Call
    realm: Realm
    session: WebSession | None
    zone: ZoneInfo
    typed: dict[str, list[str]] = field(default_factory=dict)

    @property
    def app(self) -> Application:
        return self.call.app

    @property
    def user_id(self) -> str:
        """Who is signed in. Raises Forbidden where nobody is."""
        return self._signed_in().user_id

    @property
    def form_zone(self) -> ZoneInfo:
        """In which the times of a form are written: what it was first shown in, whatever the
        visitor's zone has become meanwhile."""
        return _named(self.typed.get(FORM_ZONE, [""])[-1]) or self.zone

    @property
    def actor(self) -> str:
        """As audit logs and request keys name an admin."""
        return f"{self.realm}:{self.user_id}"

    def _signed_in(self) -> WebSession:
        if self.session is None:
            raise Forbidden("This needs somebody who is signed in.")
        return self.session

    def show(
        self, template: str, status: int = 200, *, problem: PaymentServiceError | None = None,
        **context: Any,
    ) -> Template:  # fmt: skip
        """A page. `problem`: what the form on it was refused for."""
        context |= {
            "visit": self,
            "problem": problem,
            "request_key": self._request_key(problem),
            "home": f"/{self.realm}",
        }
        return Template(template, context=context, status_code=status, headers=HEADERS)

    def _request_key(self, problem: PaymentServiceError | None) -> str:
        """A form that is shown again keeps its own: what was sent may have been done although it
        looks refused, and is done once under one key. Only where other values were done under it,
        the form that is sent next means something else."""
        sent = self.typed.get(REQUEST_KEY)
        if sent is None or isinstance(problem, IdempotencyKeyReused):
            return secrets.token_urlsafe(18)
        return sent[-1]

    async def form(
        self, receive: Receive, reader: QueryReader[T], operation: str, subject: str
    ) -> Submitted[T]:
        """What a form of this session's says; fields left blank are as if they were not there.
        `operation` and `subject` are what the form does, and to whom.

        Raises Forbidden for a form that is not this session's own, InvalidRequest.
        """
        require_same_origin(self.call)
        sent = await read_pairs(self.call, receive)
        token, key = _only(sent.pop(FORM_TOKEN, [])), _only(sent.pop(REQUEST_KEY, []))
        self.typed.update(sent)
        if not hmac.compare_digest(token.encode(), self._signed_in().form_token.encode()):
            raise Forbidden("This form is not of your session; load the page again.")
        if not 0 < len(key) <= _MAX_KEY:
            raise InvalidRequest.of(REQUEST_KEY, "the key that the form came with")
        self.typed[REQUEST_KEY] = [key]
        filled = [(name, text) for name, texts in sent.items() for text in texts if text]
        fields = reader.read(urlencode(filled).encode())
        fingerprint = subject.encode() + b"\n" + msgspec.json.encode(fields, order="deterministic")
        digest = hmac.digest(b"form", fingerprint, "sha256")[:16]
        binding = bind(self.actor, operation, key, digest)
        if binding is None:
            raise RuntimeError("a key that was checked")
        return Submitted(fields, binding)

    def query(self, reader: QueryReader[T]) -> T:
        """The filters of a page; blank ones are as if not there. Raises InvalidRequest."""
        pairs = _pairs(self.call.scope["query_string"])
        return reader.read(urlencode([(name, text) for name, text in pairs if text]).encode())


async def visit_of(request: AnyRequest, realm: Realm) -> Visit:
    """Raises Unauthenticated, Forbidden."""
    call = call_of(request.scope)
    cookies = cookies_of(call)
    session = await call.app.sign_in.session(realm, cookies.get(cookie_name(realm)))
    return Visit(call, realm, session, _zone(cookies))


def stranger(request: AnyRequest, realm: Realm) -> Visit:
    """A visit of somebody who is not signed in."""
    call = call_of(request.scope)
    return Visit(call, realm, None, _zone(cookies_of(call)))


def cookie_name(realm: Realm) -> str:
    return f"shothik_{realm}"


def session_cookie(call: Call, realm: Realm, value: str, seconds: int) -> Cookie:
    settings = call.api.settings
    return Cookie(
        key=cookie_name(realm),
        value=value,
        path=f"/{realm}",
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=settings.secure_cookies or settings.public_url.startswith("https:"),
    )


def see_other(path: str, cookies: list[Cookie] | None = None) -> Response[None]:
    """Go on to a page of this service."""
    return Response(None, status_code=303, headers=HEADERS | {"Location": path}, cookies=cookies)


def require_same_origin(call: Call) -> None:
    """Raises Forbidden for what another site made the browser send."""
    site = call.headers.get(b"sec-fetch-site", b"none")
    origin = call.headers.get(b"origin")
    own = urlsplit(call.api.settings.public_url).netloc.encode(), call.headers.get(b"host", b"")
    if site not in (b"same-origin", b"none") or (
        origin is not None and origin.partition(b"://")[2] not in own
    ):
        raise Forbidden("This form was sent from another site.")


async def read_pairs(call: Call, receive: Receive) -> dict[str, list[str]]:
    """The fields of a form by name. Raises InvalidRequest, PayloadTooLarge."""
    sent: dict[str, list[str]] = {}
    for name, text in _pairs(await call.body(receive)):
        sent.setdefault(name, []).append(text.replace("\r\n", "\n").strip())
    return sent


def _only(texts: list[str]) -> str:
    """What was said, however often; empty where nothing was, or two that differ."""
    return texts[0] if len(set(texts)) == 1 else ""


def _pairs(encoded: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            encoded.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_QUERY_FIELDS,
        )
    except ValueError:
        raise InvalidRequest.of("form", f"at most {MAX_QUERY_FIELDS} fields in UTF-8") from None


def cookies_of(call: Call) -> Mapping[str, str]:
    """By name, the first of each. Another application's are passed over, whatever they look like:
    the standard library would give up at one that it does not know."""
    found: dict[str, str] = {}
    for part in call.headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, value.strip('"'))
    return found


@cache
def zone_names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def _zone(cookies: Mapping[str, str]) -> ZoneInfo:
    """As the browser, or its visitor, has said; else UTC."""
    return _named(cookies.get(_ZONE_COOKIE, "").replace("%2F", "/")) or _UTC


def _named(name: str) -> ZoneInfo | None:
    return ZoneInfo(name) if name in zone_names() else None
