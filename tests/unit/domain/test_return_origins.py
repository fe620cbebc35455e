"""Where a browser may be sent after a checkout: nowhere that was not allowed."""

import pytest

from shothik_payment.domain.errors import InvalidRequest
from shothik_payment.domain.use_cases.return_origins import ReturnOrigins

ORIGINS = ReturnOrigins(["https://shothik.ai", "https://pay.shothik.ai:8443", "http://localhost:*"])


@pytest.mark.parametrize(
    "url",
    [
        None,
        "https://shothik.ai",
        "https://shothik.ai/",
        "https://shothik.ai/thanks?order=1#top",
        "https://SHOTHIK.ai/thanks",
        "HTTPS://shothik.ai/thanks",
        "https://shothik.ai/?next=https://evil.example",
        "https://shothik.ai/@evil.example",
        "https://pay.shothik.ai:8443/x",
        "http://localhost",
        "http://localhost:3000/x",
        "http://localhost:65535/",
    ],
)
def test_an_allowed_origin_passes_with_any_path(url: str | None) -> None:
    ORIGINS.require("successUrl", url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/thanks",
        "//shothik.ai",
        "https:/shothik.ai",
        "https:shothik.ai",
        "https:///shothik.ai",
        "javascript:alert(1)",
        "javascript://shothik.ai/%0aalert(1)",
        "data:text/html,x",
        "ftp://shothik.ai",
        "http://shothik.ai",
        "https://evil.example",
        "https://shothik.ai.evil.example",
        "https://evilshothik.ai",
        "https://shothik.ai.",
        "https://www.shothik.ai",
        "https://shothik.ai@evil.example",
        "https://shothik.ai:443@evil.example",
        "https://user:password@shothik.ai",
        "https://@shothik.ai",
        "https://evil.example\\@shothik.ai",
        "https://shothik.ai\\.evil.example",
        "https:\\\\shothik.ai",
        "https://shothik.ai%2eevil.example",
        "https://shothik.ai%00.evil.example",
        "https://shothik.ai:8443",
        "https://shothik.ai:80",
        "https://shothik.ai:x",
        "https://shothik.ai:-1",
        "https://shothik.ai:99999",
        "https://pay.shothik.ai",
        "https://pay.shothik.ai:8444",
        "https://localhost:3000",
        "http://localhost.evil.example:3000",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "http://[::1",
        "https://shothik.ai/\r\nLocation: https://evil.example",
        "https://shothik.ai/\n",
        "\thttps://shothik.ai",
        " https://shothik.ai",
        "https://shothik.ai /x",
        "https://shothik.ai/\x00",
        "https://shоthik.ai",  # a Cyrillic o
        "https://shothik。ai",
        "https://shothik.ai/caf\u00e9",
    ],
)
def test_every_other_url_is_refused_with_the_field(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ORIGINS.require("cancelUrl", url)
    assert [problem.path for problem in refused.value.fields] == ["cancelUrl"]


def test_without_allowed_origins_nothing_passes() -> None:
    with pytest.raises(InvalidRequest):
        ReturnOrigins([]).require("successUrl", "http://localhost:3000")
