"""Telling past events again."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import parse_qs

from msgspec import Meta, Struct, field

from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.use_cases.replay import Replayed, Wanted
from shothik_payment.entrypoints.http import fields as f
from shothik_payment.entrypoints.http.validation import QueryReader
from shothik_payment.entrypoints.pages.links import with_query
from shothik_payment.entrypoints.pages.moments import LocalMoment, moment
from shothik_payment.entrypoints.pages.visits import Submitted, Visit
from shothik_payment.entrypoints.panel.actions import Action, action_handlers
from shothik_payment.entrypoints.panel.events import TYPE_NAMES

_Target = Annotated[Literal["queue", "everyone"], Meta(extra={"expected": "queue or everyone"})]
_Sure = Annotated[Literal["yes"], Meta(extra={"expected": "your confirmation"})]
_Count = Annotated[int, Meta(ge=0, extra={"expected": "a whole number"})]


class ReplayForm(Struct, rename="camel", kw_only=True):
    since: LocalMoment = field(name="from")
    until: LocalMoment = field(name="to")
    user: f.UserId | None = None
    type: f.SomeEventTypes | None = None
    target: _Target
    queue: f.Name | None = None
    sure: _Sure


class DoneReplay(Struct):
    """What the last one came to; `seal` proves that its page said so, and not a link."""

    replayed: _Count | None = None
    refused: _Count = 0
    retold: _Count = 0
    seal: f.Name = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """What is in the form: what was typed, or else what was searched for before."""

    typed: Mapping[str, list[str]]
    asked: Mapping[str, list[str]]

    def texts(self, name: str) -> list[str]:
        return (self.typed or self.asked).get(name, [])

    def text(self, name: str) -> str:
        return next(iter(self.texts(name)), "")


_FORM = QueryReader(ReplayForm)
_DONE = QueryReader(DoneReplay)


async def _replay(visit: Visit) -> Action[ReplayForm]:
    path = f"/{visit.realm}/events"

    async def work(sent: Submitted[ReplayForm]) -> str:
        done, _ = await visit.app.replay.run(_wanted(sent.fields, visit), sent.request)
        told = DoneReplay(done.replayed, done.refused, done.retold)
        counts = {name: str(getattr(told, name)) for name in Replayed.__slots__}
        return with_query(f"{path}/replay", **counts, seal=_seal(visit, told))

    return Action(
        here="Events",
        title="Tell events again",
        summary=[],
        confirm="Tell them again",
        danger=True,
        back=path,
        reader=_FORM,
        operation="POST /admin/events/replay",
        subject=visit.actor,
        work=work,
        template="panel/replay.html",
        context={
            "form": Filled(
                visit.typed, parse_qs(visit.call.scope["query_string"].decode("latin-1"))
            ),
            "types": TYPE_NAMES,
            "told": _told(visit),
            "labels": {"to": "Before"},
        },
    )


def _seal(visit: Visit, told: DoneReplay) -> str:
    token = "" if visit.session is None else visit.session.form_token
    counts = f"{told.replayed} {told.refused} {told.retold}"
    return hmac.digest(token.encode(), counts.encode(), "sha256").hex()


def _told(visit: Visit) -> DoneReplay:
    told = visit.query(_DONE)
    known = hmac.compare_digest(told.seal.encode(), _seal(visit, told).encode())
    return told if known else DoneReplay()


def _wanted(form: ReplayForm, visit: Visit) -> Wanted:
    """Raises InvalidRequest."""
    if form.target == "queue" and form.queue is None:
        raise InvalidRequest.of("queue", "the name of the queue")
    return Wanted(
        since=moment("from", form.since, visit.form_zone),
        until=moment("to", form.until, visit.form_zone),
        user_id=form.user,
        types=form.type or (),
        queue=form.queue if form.target == "queue" else None,
    )


HANDLERS = action_handlers("/events/replay", _replay)
