"""The domain does no I/O and has no clock and no randomness of its own, whoever edits it.

import-linter knows only the packages that its contract lists; here everything that is not listed as
pure is refused.
"""

import ast
import builtins
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
DOMAIN = SOURCE / "shothik_payment" / "domain"
MODULES = sorted(DOMAIN.rglob("*.py"))

# Add a module here only if nothing in it reads a clock, draws a random number or does I/O, or if
# what does is named in IMPURE.
PURE = frozenset(
    """
    __future__ abc base64 binascii bisect calendar collections contextlib copy dataclasses datetime
    decimal enum fractions functools hashlib heapq hmac ipaddress itertools json logging math
    numbers operator re string struct textwrap types typing unicodedata urllib.parse uuid zlib
    zoneinfo
    """.split()
)

# The writer waits for commits, use cases for the writer and for one another: they meet the event
# loop, and open nothing with it.
WRITER = "shothik_payment.domain.ledger.writer"
WAITING = (
    WRITER,
    "shothik_payment.domain.ledger.batch",
    "shothik_payment.domain.use_cases",
)

IMPURE = frozenset(
    {
        "asyncio.create_subprocess_exec",
        "asyncio.create_subprocess_shell",
        "asyncio.open_connection",
        "asyncio.open_unix_connection",
        "asyncio.start_server",
        "asyncio.start_unix_server",
        "asyncio.subprocess",
        "asyncio.to_thread",
        "builtins.__import__",
        "builtins.breakpoint",
        "builtins.eval",
        "builtins.exec",
        "builtins.input",
        "builtins.open",
        "builtins.print",
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        # A domain module may say something; where that goes is not for it to choose.
        "logging.FileHandler",
        "logging.StreamHandler",
        "logging.basicConfig",
        "logging.config",
        "logging.handlers",
        "uuid.getnode",
        "uuid.uuid1",
        "uuid.uuid4",
        "uuid.uuid6",
        "uuid.uuid7",
        "uuid.uuid8",
    }
)


def module_name(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Each name that an import binds in the file, with what it stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def imported_modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # Ruff refuses relative imports; with the dots kept they are foreign here too.
            yield "." * node.level + (node.module or "")


def is_within(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def is_allowed(imported: str, module: str) -> bool:
    if is_within(imported, "asyncio"):
        return any(is_within(module, waiting) for waiting in WAITING)
    return any(is_within(imported, package) for package in PURE | {"shothik_payment.domain"})


def dotted(node: ast.AST, names: dict[str, str]) -> str | None:
    """What an expression such as `dt.now` stands for: `datetime.datetime.now`."""
    if isinstance(node, ast.Name):
        default = f"builtins.{node.id}" if hasattr(builtins, node.id) else None
        return names.get(node.id, default)
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value, names)
        return owner and f"{owner}.{node.attr}"
    return None


def impurities(source: str, module: str) -> list[str]:
    tree = ast.parse(source)
    names = imported_names(tree)
    found = [f"imports {m}" for m in imported_modules(tree) if not is_allowed(m, module)]
    # A mere mention counts: `default_factory=uuid4` calls it as well. So does its import.
    mentions = {dotted(node, names) for node in ast.walk(tree)} | set(names.values())
    return found + [f"uses {name}" for name in sorted(filter(None, mentions & IMPURE))]


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_module_is_pure(path: Path) -> None:
    assert impurities(path.read_text(encoding="utf-8"), module_name(path)) == []


def test_the_domain_was_found_and_the_list_names_standard_modules() -> None:
    assert MODULES
    assert sys.stdlib_module_names >= {module.partition(".")[0] for module in PURE}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import httpx", "imports httpx"),
        ("from msgspec import Struct", "imports msgspec"),
        ("import sqlite3", "imports sqlite3"),
        ("import socket", "imports socket"),
        ("import urllib.request", "imports urllib.request"),
        ("from time import monotonic", "imports time"),
        ("import random", "imports random"),
        ("from secrets import token_hex", "imports secrets"),
        ("import asyncio", "imports asyncio"),
        ("from shothik_payment import adapters", "imports shothik_payment"),
        ("import shothik_payment.domainish", "imports shothik_payment.domainish"),
        ("from ..adapters import memory", "imports ..adapters"),
        ("def f():\n    import os", "imports os"),
        ("from datetime import datetime as dt\nx = dt.now()", "uses datetime.datetime.now"),
        ("import datetime as d\nx = d.datetime.utcnow()", "uses datetime.datetime.utcnow"),
        ("from datetime import date\nfactory = date.today", "uses datetime.date.today"),
        ("from uuid import uuid4", "uses uuid.uuid4"),
        ("open('x')", "uses builtins.open"),
    ],
)
def test_an_impure_module_is_found_out(source: str, found: str) -> None:
    assert found in impurities(source, "shothik_payment.domain.model.wallet")


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from datetime import UTC, datetime\nx = datetime.max", "shothik_payment.domain.events"),
        ("from uuid import UUID", "shothik_payment.domain.events"),
        ("import shothik_payment.domain.errors", "shothik_payment.domain.events"),
        ("x = clock.now()", "shothik_payment.domain.events"),
        ("import asyncio", WRITER),
        ("import asyncio", f"{WRITER}.queue"),
    ],
)
def test_a_pure_module_passes(source: str, module: str) -> None:
    assert impurities(source, module) == []


def test_the_writer_opens_no_connection() -> None:
    source = "import asyncio\nasyncio.open_connection('h', 1)"
    assert impurities(source, WRITER) == ["uses asyncio.open_connection"]
