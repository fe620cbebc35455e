"""bKash's four envelopes, and what its codes mean to us."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

SUCCESS = "0000"

TRY_AGAIN = frozenset({"503", "2003", "2020", "2024"})
"""Nothing was done, and it may be asked again."""
DUPLICATE = "2029"
"""Too much like one before; whether it is that one, only a query tells."""
NOT_FOUND = frozenset({"2002", "2033"})
AGREEMENT_EXISTS = "2050"
AGREEMENT_GONE = frozenset({"2051", "2052", "2053"})

NOT_APPROVED = "2056"
CANCELLED = "2069"
EXPIRED = frozenset({"2018", "2019"})
DECLINED = frozenset(
    """2009 2010 2011 2013 2014 2015 2016 2017 2023 2037 2038 2039 2040 2041 2043 2044 2045 2046
    2057 2058""".split()
)
"""The payer or the payer's account: wrong PIN, not enough money, account closed."""
SAID_OF_EXECUTE = DECLINED | EXPIRED | AGREEMENT_GONE | {NOT_APPROVED, CANCELLED}
"""What an execute's own answer decides. After any other code a query does."""

_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
_ENVELOPES = ("statusCode", "errorCode", "externalCode", "internalCode")
_STALE_TOKEN = re.compile(r"expired|unauthori[sz]ed", re.IGNORECASE)


@dataclass(eq=False)
class NoAnswer(Exception):
    """None that says what was done. `under_way`: it was sent, and may be done later still."""

    reason: str
    under_way: bool = False

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class StaleToken(Exception):
    """bKash did not look at the request: it does not take the token."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`code` None: it was done, and `fields` say what. Numbers are text in them. They may hold the
    payer's phone number, so they are never shown."""

    fields: dict[str, Any] = field(repr=False)
    code: str | None = None

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""


def read_answer(status: int, body: bytes) -> Answer:
    """Raises NoAnswer for what does not tell what was done, and StaleToken."""
    fields = _fields(body)
    message_only = set(fields) == {"message"}
    if status == 401 or (message_only and _STALE_TOKEN.search(str(fields["message"]))):
        raise StaleToken
    if status >= 500 or status == 429:
        raise NoAnswer(f"bKash answers with status {status}.")
    code = _code(fields)
    if code is not None:
        return Answer(fields, code)
    if status != 200 or message_only or not fields:
        raise NoAnswer("bKash does not say what became of the request.")
    return Answer(fields)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _code(fields: dict[str, Any]) -> str | None:
    for name in _ENVELOPES:
        code = fields.get(name)
        if isinstance(code, str) and code and code != SUCCESS:
            return code if _CODE.fullmatch(code) else "unreadable"
    return None
