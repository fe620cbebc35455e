"""Templates, and how moments look on a page; the other values: `figures`, `wording`."""

from __future__ import annotations

from datetime import UTC, datetime
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

from shothik_payment.domain.model.time import Millis, rfc3339
from shothik_payment.entrypoints.http.times import millis
from shothik_payment.entrypoints.pages.assets import asset
from shothik_payment.entrypoints.pages.figures import NOTHING, money, number, signed, span, words
from shothik_payment.entrypoints.pages.wording import code, reason, told


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
        "written_time": _written_time,
        "number": number,
        "signed": signed,
        "money": money,
        "words": words,
        "span": span,
        "code": code,
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


@pass_context
def _written_time(context: Context, text: str) -> Markup | str:
    """A moment that `rfc3339` wrote, as `time` shows it; a word in its place as it is."""
    try:
        at = millis(datetime.fromisoformat(text))
    except (ValueError, TypeError):  # no moment, or one of no time zone
        return text
    return _time(context, at)


def _moment(context: Context, at: Millis | None, shape: str) -> Markup | str:
    if at is None:
        return NOTHING
    zone: ZoneInfo = context["visit"].zone
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        rfc3339(at), moment.strftime("%Y-%m-%d %H:%M:%S"), moment.astimezone(zone).strftime(shape)
    )
