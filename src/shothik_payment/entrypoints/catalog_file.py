"""The catalog as a TOML file: read, checked, and each fault named with its line and field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from shothik_payment.domain.catalog import MAX_CREDITS, Catalog, Pack, Service
from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.model.money import CURRENCIES, Money
from shothik_payment.domain.model.time import HOUR

_SLUG = re.compile(r"[a-z0-9]{1,32}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_WORD = re.compile(r"[!-~]{1,128}")
_MAX_PRICE_MINOR = 10**12
_MAX_GRACE_HOURS = 24 * 365


def load_catalog(path: Path | None = None) -> Catalog:
    """The catalog in `path`, None: the one shipped. Raises Misconfigured."""
    if path is None:
        text = files("shothik_payment").joinpath("catalog.toml").read_text(encoding="utf-8")
        return parse_catalog(text, "catalog.toml")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Misconfigured("CATALOG_FILE", f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured("CATALOG_FILE", f"{path} is not UTF-8 text") from error
    return parse_catalog(text, str(path))


def parse_catalog(text: str, file_name: str) -> Catalog:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(file_name, f"not TOML: {error}") from error
    root = _Table(content, (), _Source(file_name, text))
    root.only("reversal_grace_hours", "services", "packs", "credits")
    grace_hours = root.whole("reversal_grace_hours", 1, _MAX_GRACE_HOURS, default=72)
    services = _services(root)
    packs = tuple(_pack(table) for table in root.tables("packs"))
    return Catalog(
        services,
        packs,
        reversal_grace_ms=grace_hours * HOUR,
        **_single_credits(root),
    )


def _services(root: _Table) -> tuple[Service, ...]:
    services = []
    taken: dict[str, str] = {}
    for table in root.tables("services"):
        service = _service(table)
        for key, word in (
            ("", service.slug),
            ("name", service.name),
            *(("aliases", alias) for alias in service.aliases),
        ):
            if word in taken:
                raise table.fault(key, f"{word!r} already means {taken[word]}")
            taken[word] = service.name
        services.append(service)
    if not services:
        raise root.fault("services", "expected at least one service, [services.…]")
    return tuple(services)


def _service(table: _Table) -> Service:
    slug = table.path[-1]
    if not _SLUG.fullmatch(slug):
        raise table.fault("", f"a slug is 1 to 32 lowercase letters or digits, found {slug!r}")
    table.only("name", "title", "unit", "per", "credits", "aliases", "rate_limit_per_hour")
    return Service(
        slug=slug,
        name=table.text("name", _NAME, "lowercase letters, digits and _"),
        unit=table.text("unit", _WORD, "one word"),
        per=table.whole("per", 1, MAX_CREDITS),
        credits=table.whole("credits", 1, MAX_CREDITS),
        title=table.text("title", None, "text", default=""),
        aliases=tuple(table.words("aliases")),
        rate_limit_per_hour=table.optional_whole("rate_limit_per_hour", 1, MAX_CREDITS),
    )


def _pack(table: _Table) -> Pack:
    pack_id = table.path[-1]
    if not _WORD.fullmatch(pack_id):
        raise table.fault("", f"a pack's id is 1 to 128 visible characters, found {pack_id!r}")
    table.only("title", "credits", "prices")
    credits = table.whole("credits", 1, MAX_CREDITS)
    title = table.text("title", None, "text", default=f"{credits} credits")
    return Pack(pack_id, title, credits, table.prices("prices"))


def _single_credits(root: _Table) -> dict[str, Any]:
    """Absent: credits are sold in packs only."""
    if "credits" not in root.content:
        return {}
    table = root.table("credits")
    table.only("min", "max", "prices")
    low = table.whole("min", 1, MAX_CREDITS)
    return {
        "credit_prices": table.prices("prices"),
        "min_purchase": low,
        "max_purchase": table.whole("max", low, MAX_CREDITS),
    }


class _Source:
    def __init__(self, file_name: str, text: str) -> None:
        self.file_name = file_name
        self._lines = text.splitlines()

    def line_of(self, path: tuple[str, ...]) -> int | None:
        """The line where a value begins, found by its table's header and its key.

        The parser keeps no places. A table or key written in another way (dotted, quoted) is not
        found; then the nearest that is found stands for it.
        """
        for depth in range(len(path), 0, -1):
            line = self._header(path[:depth])
            if line is not None:
                inside = self._key(line, path[depth]) if depth < len(path) else None
                return inside or line
        return self._key(0, path[0]) if path else None

    def _header(self, path: tuple[str, ...]) -> int | None:
        header = re.compile(r"\s*\[\s*" + r"\s*\.\s*".join(map(re.escape, path)) + r"\s*\]")
        for number, line in enumerate(self._lines, 1):
            if header.match(line):
                return number
        return None

    def _key(self, after: int, key: str) -> int | None:
        pattern = re.compile(rf"\s*{re.escape(key)}\s*[=.]")
        for number, line in enumerate(self._lines[after:], after + 1):
            if line.lstrip().startswith("["):
                return None
            if pattern.match(line):
                return number
        return None


class _Table:
    """One table of the file; its readers refuse what they do not expect."""

    def __init__(self, content: Mapping[str, Any], path: tuple[str, ...], source: _Source) -> None:
        self.content = content
        self.path = path
        self._source = source

    def fault(self, key: str, problem: str) -> Misconfigured:
        path = (*self.path, key) if key else self.path
        line = self._source.line_of(path)
        place = self._source.file_name if line is None else f"{self._source.file_name}, line {line}"
        return Misconfigured(f"{place}, {'.'.join(path)}", problem)

    def only(self, *known: str) -> None:
        """Refuse keys that mean nothing here: most are a misspelling of one that does."""
        for key in self.content:
            if key not in known:
                raise self.fault(key, f"unknown; expected one of {', '.join(known)}")

    def table(self, key: str) -> _Table:
        value = self.content.get(key, {})
        if not isinstance(value, dict):
            raise self.fault(key, f"expected a table, found {value!r}")
        return _Table(value, (*self.path, key), self._source)

    def tables(self, key: str) -> Iterator[_Table]:
        inside = self.table(key)
        for name in inside.content:
            yield inside.table(name)

    def text(
        self, key: str, shape: re.Pattern[str] | None, expected: str, default: str | None = None
    ) -> str:
        value = self.content.get(key, default)
        fits = isinstance(value, str) and (shape is None or shape.fullmatch(value))
        if not fits:
            raise self.fault(key, f"expected {expected}, {self._found(key)}")
        return str(value)

    def words(self, key: str) -> list[str]:
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(
            isinstance(word, str) and _WORD.fullmatch(word) for word in value
        ):
            raise self.fault(key, f"expected a list of words, {self._found(key)}")
        return value

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self.content.get(key, default)
        if type(value) is not int or not low <= value <= high:
            raise self.fault(key, f"expected a whole number {low} to {high}, {self._found(key)}")
        return value

    def optional_whole(self, key: str, low: int, high: int) -> int | None:
        return self.whole(key, low, high) if key in self.content else None

    def prices(self, key: str) -> dict[str, Money]:
        inside = self.table(key)
        inside.only(*CURRENCIES)
        if not inside.content:
            raise self.fault(key, f"expected a price in at least one of {', '.join(CURRENCIES)}")
        return {
            currency: Money(inside.whole(currency, 1, _MAX_PRICE_MINOR), currency)
            for currency in inside.content
        }

    def _found(self, key: str) -> str:
        return f"found {self.content[key]!r}" if key in self.content else "found nothing"
