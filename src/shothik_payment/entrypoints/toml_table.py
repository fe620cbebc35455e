"""A TOML file as tables whose readers refuse what they do not expect, each with line and field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.model.money import CURRENCIES, Money

WORD = re.compile(r"[!-~]{1,128}")
TEXT = re.compile(r".*\S.*", re.DOTALL)
_MAX_PRICE_MINOR = 10**12


def parse_toml(text: str, file_name: str) -> Table:
    """The whole file. Raises Misconfigured."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(file_name, f"not TOML: {error}") from error
    return Table(content, (), _Source(file_name, text))


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
        if not path:
            return None
        return self._key(0, path[0]) or self._header(path[:1], r"\.")

    def _header(self, path: tuple[str, ...], end: str = r"\]") -> int | None:
        words = r"\s*\.\s*".join(map(re.escape, path))
        header = re.compile(rf"\s*\[\s*{words}\s*{end}")
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


class Table:
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

    def table(self, key: str) -> Table:
        value = self.content.get(key, {})
        if not isinstance(value, dict):
            raise self.fault(key, f"expected a table, found {value!r}")
        return Table(value, (*self.path, key), self._source)

    def tables(self, key: str) -> Iterator[Table]:
        inside = self.table(key)
        for name in inside.content:
            yield inside.table(name)

    def text(
        self, key: str, shape: re.Pattern[str] | None, expected: str, default: str | None = None
    ) -> str:
        value = self.content.get(key, default)
        fits = isinstance(value, str) and (shape is None or shape.fullmatch(value))
        if not fits:
            raise self.fault(key, f"expected {expected}, {self.found(key)}")
        return str(value)

    def words(self, key: str) -> list[str]:
        value = self.content.get(key, [])
        if not isinstance(value, list) or not all(
            isinstance(word, str) and WORD.fullmatch(word) for word in value
        ):
            raise self.fault(key, f"expected a list of words, {self.found(key)}")
        return value

    def flag(self, key: str) -> bool:
        """False where absent."""
        value = self.content.get(key, False)
        if not isinstance(value, bool):
            raise self.fault(key, f"expected true or false, {self.found(key)}")
        return value

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self.content.get(key, default)
        if type(value) is not int or not low <= value <= high:
            raise self.fault(key, f"expected a whole number {low} to {high}, {self.found(key)}")
        return value

    def wholes(self, key: str, low: int, high: int, default: list[int]) -> list[int]:
        value = self.content.get(key, default)
        if not isinstance(value, list) or not all(
            type(each) is int and low <= each <= high for each in value
        ):
            expected = f"expected a list of whole numbers {low} to {high}"
            raise self.fault(key, f"{expected}, {self.found(key)}")
        return value

    def one_of(self, key: str, words: list[str]) -> str:
        """The first where absent."""
        value = self.content.get(key, words[0])
        if value not in words:
            raise self.fault(key, f"expected one of {', '.join(words)}, {self.found(key)}")
        return str(value)

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

    def found(self, key: str) -> str:
        """In words, for a fault."""
        return f"found {self.content[key]!r}" if key in self.content else "found nothing"
