"""What visitors change: each change is a page of its own that says what will happen, asks what it
has to, and has a button."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Template
from litestar.types import Receive
from msgspec import Struct

from shothik_payment.domain.errors import Forbidden, PaymentServiceError
from shothik_payment.domain.model.web_session import Realm
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.call import AnyRequest
from shothik_payment.entrypoints.http.errors import failure
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.signing_in import refused
from shothik_payment.entrypoints.pages.visits import Submitted, Visit, see_other, visit_of

log = structlog.get_logger(__name__)

T = TypeVar("T", bound=Struct)
S = TypeVar("S")
Field = Mapping[str, Any]
"""As `ui.field` of macros.html takes it; with `options` as `ui.choice` does."""

_LAYOUTS = {Realm.ADMIN: "panel/layout.html", Realm.ACCOUNT: "account/layout.html"}


class DoneQuery(Struct):
    """What was just done, in a word that the page knows a sentence for."""

    done: f.Name | None = None


def while_so(
    done: str | None, still_so: Mapping[str, Callable[[S], object]], subject: S
) -> str | None:
    """`done`, unless it is known not to be so any more: a page is loaded again by going back to it,
    and by a form that is sent again."""
    holds = still_so.get(done or "")
    return done if holds is None or holds(subject) else None


@dataclass(frozen=True, slots=True)
class Action(Generic[T]):
    """`operation` and `subject`: what it does, and to whom. `hidden`: what the form sends back of
    what its page says, by field. `work` does it, and says which page shows what came of it; repeats
    of one form wait for the first. `refusal`: what it would be refused with now; the page says so
    in place of the summary, and has no button."""

    here: str
    title: str
    summary: Sequence[str]
    confirm: str
    back: str
    reader: QueryReader[T]
    operation: str
    subject: str
    work: Callable[[Submitted[T]], Awaitable[str]]
    fields: Sequence[Field] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    danger: bool = False
    template: str = "action.html"
    context: Mapping[str, Any] = field(default_factory=dict)
    refusal: PaymentServiceError | None = None

    async def run(self, visit: Visit, receive: Receive) -> str:
        """Where to go on. Raises what the form or the work is refused with."""
        sent = await visit.form(receive, self.reader, self.operation, self.subject)
        async with visit.call.api.turns.turn(f"{self.subject}\n{sent.request.key}"):
            done = await self.work(sent)
        # Neither ledger nor events say by whom it was done.
        log.info(
            "done on a page",
            actor=visit.actor,
            operation=self.operation,
            subject=self.subject,
            request_id=visit.call.request_id,
        )
        return done

    def show(self, visit: Visit, problem: PaymentServiceError | None = None) -> Template:
        problem = problem or self.refusal
        page = visit.show(
            self.template,
            problem=problem,
            layout=_LAYOUTS[visit.realm],
            here=self.here,
            title=self.title,
            summary=self.summary,
            confirm=self.confirm,
            back=self.back,
            fields=[_filled(field, visit) for field in self.fields],
            hidden=self.hidden,
            danger=self.danger,
            possible=self.refusal is None,
            **{"labels": {field["name"]: field["label"] for field in self.fields}, **self.context},
        )
        return page if problem is None else refused(page, failure(visit.call, problem))


def _filled(field: Field, visit: Visit) -> Field:
    """With what was typed into it, where the form comes back; times say in which zone they are."""
    texts = visit.typed.get(field["name"])
    if field.get("type") == "datetime-local":
        field = {**field, "help": f"In {visit.form_zone.key}. {field['help']}"}
    return field if texts is None else {**field, "value": texts[-1]}


def action_handlers(
    realm: Realm, path: str, action_of: Callable[[Visit], Awaitable[Action[Any]]]
) -> list[HTTPRouteHandler]:
    """The page, and what its button does. `action_of` is not to raise for what was done already: a
    form that is sent twice finds what it has done."""

    @get(path)
    async def ask(request: AnyRequest) -> Template:
        visit = await visit_of(request, realm)
        return (await action_of(visit)).show(visit)

    @post(path, status_code=200)
    async def act(request: AnyRequest) -> Template | Response[None]:
        visit = await visit_of(request, realm)
        action = await action_of(visit)
        try:
            return see_other(await action.run(visit, request.receive))
        except Forbidden:
            raise  # the form itself is not one that may be shown again
        except PaymentServiceError as error:
            return action.show(visit, error)

    return [ask, act]
