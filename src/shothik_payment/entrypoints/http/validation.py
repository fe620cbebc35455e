"""Reading bodies and queries: strict, never coerced, and naming every field that is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from types import NoneType
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Raw

from shothik_payment.domain.errors import FieldProblem, InvalidRequest

T = TypeVar("T", bound=msgspec.Struct)

MAX_PROBLEMS = 50
MAX_QUERY_FIELDS = 50
_SHOWN_KEY = 64
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_NOT_AN_OBJECT = "a JSON object in UTF-8"


class _Rule:
    """One field's type. `decode` is as strict alone as inside the whole body."""

    def __init__(self, annotation: Any) -> None:
        self.decoder = msgspec.json.Decoder(annotation)
        bare, extra = _unwrap(annotation)
        self.expected: str = extra["expected"]
        self._max_json_bytes: int | None = extra.get("max_json_bytes")
        self._years: tuple[int, int] | None = extra.get("years")
        self.is_int = bare is int
        self.items = self.values = None
        self.members = _members(bare)
        if get_origin(bare) is list:
            self.items = _Rule(get_args(bare)[0])
        elif get_origin(bare) is dict:
            self.values = _Rule(get_args(bare)[1])

    @property
    def bounded(self) -> bool:
        """Whether there are bounds that its decoder does not know."""
        return self._max_json_bytes is not None or self._years is not None

    def beyond(self, value: Any) -> bool:
        if self._max_json_bytes is not None:
            return len(msgspec.json.encode(value)) > self._max_json_bytes
        if self._years is not None and isinstance(value, datetime):
            return not self._years[0] <= value.year <= self._years[1]
        return False

    def problems(self, path: str, raw: Raw) -> Iterator[FieldProblem]:
        try:
            value = self.decoder.decode(raw)
        except _UNREADABLE:
            inside = list(self._inside(path, raw))
            yield from inside or [FieldProblem(path, self.expected)]
        else:
            if value is not None and self.beyond(value):
                yield FieldProblem(path, self.expected)

    def _inside(self, path: str, raw: Raw) -> Iterator[FieldProblem]:
        try:
            if self.items is not None:
                for index, item in enumerate(msgspec.json.decode(raw, type=list[Raw])):
                    yield from self.items.problems(f"{path}[{index}]", item)
            if self.values is not None:
                for key, value in msgspec.json.decode(raw, type=dict[str, Raw]).items():
                    yield from self.values.problems(f"{path}.{key[:_SHOWN_KEY]}", value)
            if self.members:
                given = msgspec.json.decode(raw, type=dict[str, Raw])
                for name, rule in self.members.items():
                    if name in given:
                        yield from rule.problems(f"{path}.{name}", given[name])
        except _UNREADABLE:
            return


def _members(kind: Any) -> dict[str, _Rule]:
    """Of an object with fields of its own, none of which is required."""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return {}
    hints = get_type_hints(kind, include_extras=True)
    return {f.encode_name: _Rule(hints[f.name]) for f in msgspec.structs.fields(kind)}


def _unwrap(annotation: Any) -> tuple[Any, dict[str, Any]]:
    """The type without None and UNSET, and what its `Meta` says beside."""
    if get_origin(annotation) is Annotated:
        bare, *notes = get_args(annotation)
        extra: dict[str, Any] = {}
        for note in notes:
            if isinstance(note, Meta) and note.extra:
                extra |= note.extra
        return bare, extra
    absent = (NoneType, msgspec.UnsetType)
    members = [member for member in get_args(annotation) if member not in absent]
    if len(members) != 1:
        raise TypeError(f"{annotation} does not say what is expected")
    return _unwrap(members[0])


class BodyReader(Generic[T]):
    """Decodes a JSON object into `struct`. `may_be_empty`: no body at all is `{}`."""

    def __init__(self, struct: type[T], *, may_be_empty: bool = False) -> None:
        self.struct = struct
        self._may_be_empty = may_be_empty
        self._decoder = msgspec.json.Decoder(struct)
        hints = get_type_hints(struct, include_extras=True)
        fields = msgspec.structs.fields(struct)
        self.rules = {f.encode_name: _Rule(hints[f.name]) for f in fields}
        self._required = {f.encode_name for f in fields if f.required}
        self._bounded = [
            (f.name, f.encode_name) for f in fields if self.rules[f.encode_name].bounded
        ]
        self._quoted = [f'"{name}"'.encode() for name in self.rules]

    def read(self, body: bytes) -> T:
        """Raises InvalidRequest with all fields that are wrong, or with `body` itself."""
        if not body and self._may_be_empty:
            body = b"{}"
        try:
            if not body.isascii():
                body.decode()  # what a decoder skips has to be UTF-8 too
            value = self._decoder.decode(body)
        except _UNREADABLE:
            raise self._refusal(body) from None
        self._refuse_repeated(body)
        for name, path in self._bounded:
            content = getattr(value, name)
            if content is not None and self.rules[path].beyond(content):
                raise InvalidRequest.of(path, self.rules[path].expected)
        return value

    def _refusal(self, body: bytes) -> InvalidRequest:
        try:
            body.decode()
            members = msgspec.json.decode(body, type=dict[str, Raw])
        except _UNREADABLE:
            return InvalidRequest.of("body", _NOT_AN_OBJECT)
        problems: list[FieldProblem] = []
        for path, rule in self.rules.items():
            if path in members:
                problems.extend(rule.problems(path, members[path]))
            elif path in self._required:
                problems.append(FieldProblem(path, rule.expected))
        # Every known field alone is right: what cannot be read is in what would be ignored.
        return InvalidRequest(problems[:MAX_PROBLEMS] or [FieldProblem("body", _NOT_AN_OBJECT)])

    def _refuse_repeated(self, body: bytes) -> None:
        """Readers disagree on which of two equal names counts, so neither does. The cheap look
        lets through only bodies in which no name can be there twice."""
        if b"\\" not in body and body.count(b"{") == 1:
            for name in self._quoted:
                if body.count(name) > 1:
                    break
            else:
                return
        repeated: dict[str, None] = {}

        def look(pairs: list[tuple[str, Any]]) -> None:
            seen = set()
            for name, _ in pairs:
                if name in seen:
                    repeated[name[:_SHOWN_KEY]] = None
                seen.add(name)

        try:
            json.loads(body, object_pairs_hook=look)
        except (ValueError, RecursionError):
            raise InvalidRequest.of("body", _NOT_AN_OBJECT) from None
        if repeated:
            raise InvalidRequest([FieldProblem(name, "given once") for name in repeated])


class QueryReader(Generic[T]):
    """Reads a query string into `struct` as if it were a JSON object.

    A parameter given twice is refused, unless it is a list. Numbers are plain digits.
    """

    def __init__(self, struct: type[T]) -> None:
        self.struct = struct
        self._body = BodyReader(struct)

    def read(self, query: bytes) -> T:
        members: dict[str, Any] = {}
        try:
            pairs = parse_qsl(
                query.decode(),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=MAX_QUERY_FIELDS,
            )
        except ValueError:
            raise InvalidRequest.of(
                "query", f"at most {MAX_QUERY_FIELDS} parameters, percent-encoded UTF-8"
            ) from None
        for name, text in pairs:
            rule = self._body.rules.get(name)
            if rule is None:
                continue
            if rule.items is not None:
                members.setdefault(name, []).append(text)
            elif name in members:
                members[name] = []  # which of two is meant is not for us to guess
            else:
                members[name] = _number(text) if rule.is_int else text
        return self._body.read(msgspec.json.encode(members))


def _number(text: str) -> int | str:
    plain = text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 20
    return int(text) if plain else text
