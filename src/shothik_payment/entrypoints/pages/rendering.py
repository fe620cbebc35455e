"""Templates, and how values look on a page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import (
    ChoiceLoader,
    Environment,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    pass_context,
)
from jinja2.runtime import Context
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig
from markupsafe import Markup

from shothik_payment.domain.model.money import Money
from shothik_payment.domain.model.time import DAY, HOUR, MINUTE, SECOND, Millis, rfc3339
from shothik_payment.entrypoints.pages.assets import asset
from shothik_payment.entrypoints.pages.wording import reason, told

_NOTHING = "–"


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """`pages` has what is shared, `panel/…` and `account/…` their own."""
    base = "shothik_payment.entrypoints"
    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader(f"{base}.pages"),
                PrefixLoader(
                    {
                        "panel": PackageLoader(f"{base}.panel"),
                        "account": PackageLoader(f"{base}.account"),
                    }
                ),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "time": _time,
        "day": _day,
        "number": number,
        "signed": signed,
        "money": money,
        "words": words,
        "span": span,
        "reason": reason,
        "told": told,
    }
    environment.globals["asset"] = asset
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


@pass_context
def _time(context: Context, at: Millis | None) -> Markup | str:
    """A moment in the visitor's zone, with UTC on hover."""
    return _moment(context, at, "%Y-%m-%d %H:%M:%S")


@pass_context
def _day(context: Context, at: Millis | None) -> Markup | str:
    """The same without the time of day."""
    return _moment(context, at, "%Y-%m-%d")


def _moment(context: Context, at: Millis | None, shape: str) -> Markup | str:
    if at is None:
        return _NOTHING
    zone: ZoneInfo = context["visit"].zone
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        rfc3339(at), moment.strftime("%Y-%m-%d %H:%M:%S"), moment.astimezone(zone).strftime(shape)
    )


def number(value: int | None) -> str:
    """With a comma between thousands."""
    return _NOTHING if value is None else f"{value:,}"


def signed(value: int) -> str:
    """A change: with its sign, a real minus."""
    return f"+{value:,}" if value > 0 else f"{value:,}".replace("-", "−")


def money(amount: Money | None) -> str:
    if amount is None:
        return _NOTHING
    whole, point, rest = amount.decimal().partition(".")
    return f"{int(whole):,}{point}{rest} {amount.currency}"


def words(name: Any) -> str:
    """A name of the code, such as `past_due` or `paraphrase_service`, as words."""
    return str(name).replace("_", " ")


_UNITS = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (SECOND, "second"))


def span(milliseconds: int) -> str:
    """How long, roughly: whole units of the largest that it has one of."""
    for length, unit in _UNITS:
        if milliseconds >= length:
            count = milliseconds // length
            return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"
    return "less than a second"
