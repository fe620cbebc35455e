"""The sandbox gateway's checkout page: plain HTML that works without JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

from litestar import Response, Router, get, post

from shothik_payment.domain.catalog import Catalog
from shothik_payment.domain.errors import InvalidRequest, NotFound
from shothik_payment.domain.model.money import Money
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.pages import page, see_other

_MAX_FORM_BYTES = 4096
_NOT_PAID = frozenset({"declined", "cancelled"})
_ENDINGS = (
    ("declined", "Decline the card", "The payment fails."),
    ("timeout", "Pay, answer lost", "Paid, but nobody is told; the service finds out by asking."),
    ("duplicate", "Pay, told twice", "The same news arrives two times."),
    ("late", "Pay late", "The money arrives after you are back."),
    ("out_of_order", "Pay, told out of order", "Older news arrives after the payment."),
)
_RESULTS = {
    "success": "Paid.",
    "declined": "The card was declined. Nothing was paid.",
    "cancelled": "The checkout was cancelled. Nothing was paid.",
    "timeout": "Paid, but the answer got lost. The credits come once the service has asked.",
    "duplicate": "Paid, and told twice.",
    "late": "The payment is on its way, and arrives in a few seconds.",
    "out_of_order": "Paid, with older news arriving after it.",
}


class Session(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def payment_id(self) -> str: ...
    @property
    def user_id(self) -> str: ...
    @property
    def credits(self) -> int: ...
    @property
    def pack_id(self) -> str | None: ...
    @property
    def plan(self) -> str | None: ...
    @property
    def price(self) -> Money: ...
    @property
    def success_url(self) -> str | None: ...
    @property
    def cancel_url(self) -> str | None: ...
    @property
    def outcome(self) -> str | None: ...


class Desk(Protocol):
    """Where checkouts are kept, and the payer's choice arrives."""

    async def session(self, session_id: str) -> Session:
        """Raises NotFound."""
        ...

    async def finish(self, session_id: str, outcome: str) -> tuple[Session, bool]:
        """The session once it has ended, and whether this call ended it. Raises NotFound, and
        InvalidRequest for an outcome that there is not."""
        ...


def sandbox_handlers(desk: Desk, catalog: Catalog) -> Sequence[Router]:
    pages = _Pages(catalog)

    @get("/{session_id:str}")
    async def show(request: AnyRequest) -> Response[str]:
        session_id = request.path_params["session_id"]
        try:
            return pages.of(await desk.session(session_id))
        except NotFound:
            return pages.missing()

    @post("/{session_id:str}", status_code=200, request_max_body_size=_MAX_FORM_BYTES)
    async def choose(request: AnyRequest) -> Response[str]:
        session_id = request.path_params["session_id"]
        form = await request.form()
        outcome = form.get("outcome")
        try:
            session, ended_now = await desk.finish(session_id, str(outcome))
        except NotFound:
            return pages.missing()
        except InvalidRequest as error:
            return pages.of(await desk.session(session_id), error.message, 400)
        return pages.back(session) if ended_now else pages.of(session)

    return [Router("/sandbox/checkout", route_handlers=[show, choose], include_in_schema=False)]


class _Pages:
    def __init__(self, catalog: Catalog) -> None:
        self._packs = {pack.id: pack.title for pack in catalog.packs}
        self._plans = {plan.id: plan.terms.title for plan in catalog.billing.plans.values()}

    def of(self, session: Session, problem: str | None = None, status: int = 200) -> Response[str]:
        """What is bought and the choice; once it has ended, how."""
        title = self._title(session)
        context = {"session": session, "title": title, "problem": problem, "endings": _ENDINGS}
        if session.outcome is not None:
            context["result"] = _RESULTS[session.outcome]
            context["paid"] = session.outcome not in _NOT_PAID
            context["return_url"] = _return_url(session)
        return page("checkout.html", status, context, _origins(session))

    def _title(self, session: Session) -> str:
        if session.plan is not None:
            return f"{self._plans.get(session.plan, session.plan)} plan"
        return self._packs.get(session.pack_id or "") or f"{session.credits} credits"

    def missing(self) -> Response[str]:
        return page("missing.html", 404, {})

    def back(self, session: Session) -> Response[str]:
        """Where the payer came from; this page, where nobody said so."""
        url = _return_url(session) or f"/sandbox/checkout/{session.id}"
        return see_other(url)


def _return_url(session: Session) -> str | None:
    return session.cancel_url if session.outcome in _NOT_PAID else session.success_url


def _origins(session: Session) -> str:
    """Where the form's answer may lead: browsers hold a redirect against `form-action` too."""
    urls = [urlsplit(url) for url in (session.success_url, session.cancel_url) if url]
    return " ".join(sorted({f"{url.scheme}://{url.netloc}" for url in urls}))
