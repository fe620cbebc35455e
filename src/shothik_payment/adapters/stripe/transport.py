"""The SDK's client, set up so that nothing of the environment changes where requests go, what they
tell, or what is printed."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from typing import Any

import httpx
import stripe
import stripe._util

CONNECT_SECONDS = 5.0
MAX_CONNECTIONS = 32
RETRIES = 1
"""Of the SDK, with the same idempotency key; the payment check comes again anyway."""


class Transport(stripe.HTTPClient):
    """Instead of the SDK's own httpx client, which takes proxies from the environment, and sends
    bodies in a way that httpx has deprecated."""

    name = "httpx"

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__()
        self._client = httpx.AsyncClient(
            verify=ssl.create_default_context(cafile=stripe.ca_bundle_path),
            timeout=httpx.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds)),
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
            trust_env=False,
        )

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        # The SDK's own words describe the machine and what runs on it.
        sent = {k: v for k, v in headers.items() if k != "X-Stripe-Client-User-Agent"}
        sent["User-Agent"] = f"ShothikPayment Stripe/v1 PythonBindings/{stripe.VERSION}"
        try:
            answer = await self._client.request(method, url, headers=sent, content=post_data)
        except httpx.HTTPError as error:
            lost = stripe.APIConnectionError(type(error).__name__)  # type: ignore[no-untyped-call]
            lost.should_retry = True
            raise lost from error
        return answer.content, answer.status_code, answer.headers

    def sleep_async(self, secs: float) -> Any:
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        await self._client.aclose()


def stripe_client(
    secret_key: str, api_base: str | None, transport: Transport
) -> stripe.StripeClient:
    """`api_base` None: Stripe's own address."""
    _silence()
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": (api_base or stripe.DEFAULT_API_BASE).rstrip("/")},
        http_client=transport,
        max_network_retries=RETRIES,
    )


def _silence() -> None:
    # What the SDK logs are whole bodies, with payers' names in them; and STRIPE_LOG, which it read
    # when it was imported, has it print them past all logging.
    logging.getLogger("stripe").disabled = True
    stripe.log = None
    stripe._util.STRIPE_LOG = None
