"""The catalog as a TOML file: read, checked, and each fault named with its line and field."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from shothik_payment.domain.catalog import MAX_CREDITS, Catalog, Pack, Service
from shothik_payment.domain.errors import Misconfigured
from shothik_payment.domain.model.time import HOUR
from shothik_payment.entrypoints.catalog_plans import read_billing
from shothik_payment.entrypoints.toml_table import TEXT, WORD, Table, parse_toml

_SLUG = re.compile(r"[a-z0-9]{1,32}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
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
    root = parse_toml(text, file_name)
    root.only("reversal_grace_hours", "services", "packs", "credits", "billing", "plans")
    grace_hours = root.whole("reversal_grace_hours", 1, _MAX_GRACE_HOURS, default=72)
    services = _services(root)
    packs = tuple(_pack(table) for table in root.tables("packs"))
    return Catalog(
        services,
        packs,
        reversal_grace_ms=grace_hours * HOUR,
        billing=read_billing(root, Catalog(services, ())),
        **_single_credits(root),
    )


def _services(root: Table) -> tuple[Service, ...]:
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


def _service(table: Table) -> Service:
    slug = table.path[-1]
    if not _SLUG.fullmatch(slug):
        raise table.fault("", f"a slug is 1 to 32 lowercase letters or digits, found {slug!r}")
    table.only("name", "title", "unit", "per", "credits", "aliases", "rate_limit_per_hour")
    return Service(
        slug=slug,
        name=table.text("name", _NAME, "lowercase letters, digits and _"),
        unit=table.text("unit", WORD, "one word"),
        per=table.whole("per", 1, MAX_CREDITS),
        credits=table.whole("credits", 1, MAX_CREDITS),
        title=table.text("title", None, "text", default=""),
        aliases=tuple(table.words("aliases")),
        rate_limit_per_hour=table.optional_whole("rate_limit_per_hour", 1, MAX_CREDITS),
    )


def _pack(table: Table) -> Pack:
    pack_id = table.path[-1]
    if not WORD.fullmatch(pack_id):
        raise table.fault("", f"a pack's id is 1 to 128 visible characters, found {pack_id!r}")
    table.only("title", "credits", "prices")
    credits = table.whole("credits", 1, MAX_CREDITS)
    title = table.text("title", TEXT, "text", default=f"{credits} credits")
    return Pack(pack_id, title, credits, table.prices("prices"))


def _single_credits(root: Table) -> dict[str, Any]:
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
