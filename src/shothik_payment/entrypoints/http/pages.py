"""Pages: plain HTML that works without JavaScript, and nothing from other hosts."""

from __future__ import annotations

import base64
import hashlib

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Response

from shothik_payment.entrypoints.pages.figures import money

_pages = Environment(
    loader=PackageLoader(__package__, "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_pages.filters["money"] = money
_STYLE = _pages.get_template("sandbox.css").render()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def page(
    template: str, status: int, context: dict[str, object], form_origins: str = ""
) -> Response[str]:
    """`form_origins`: where a form's answer may lead beside this service, separated by spaces."""
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
        f"form-action 'self' {form_origins}".rstrip()
        + "; base-uri 'none'; frame-ancestors 'none'"
    )
    return Response(
        _pages.get_template(template).render(context, style=_STYLE),
        status_code=status,
        media_type=MediaType.HTML,
        headers={
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        },
    )


def see_other(url: str) -> Response[str]:
    """Sends the browser on."""
    headers = {"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response("", status_code=303, media_type=MediaType.TEXT, headers=headers)
