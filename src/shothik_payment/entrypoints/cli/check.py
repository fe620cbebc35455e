"""`check`: does everything that a microservice needs answer as it should?"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import rich_click as click

from shothik_payment.entrypoints.cli.check_broker import check_broker
from shothik_payment.entrypoints.cli.group import WRONG
from shothik_payment.entrypoints.cli.probe import Probe
from shothik_payment.entrypoints.cli.support import (
    UserId,
    command_settings,
    json_option,
    print_json,
)
from shothik_payment.entrypoints.container import make_container

_DEFAULT_URL = "http://localhost:3001/api/v1"
_BASE = "/api/v1"


@click.command(
    epilog="Example: PAYMENT_SERVICE_API_KEY=sk_paraphrase_… shothik-payment check --user u1"
)
@click.option(
    "--url", envvar="PAYMENT_SERVICE_URL", default=_DEFAULT_URL, show_default=True, show_envvar=True
)
@click.option(
    "--api-key",
    envvar="PAYMENT_SERVICE_API_KEY",
    show_envvar=True,
    help="Better in the environment: an option is seen in the list of processes.",
)
@click.option(
    "--user",
    type=UserId(),
    default="demo_user",
    show_default=True,
    help="Whose wallet is looked at.",
)
@json_option
@click.pass_context
def check(context: click.Context, url: str, api_key: str | None, user: str, as_json: bool) -> None:
    """Try every endpoint that a service needs, as the service would.

    Where the user has credits, one is deducted and given back at once. Where RABBITMQ_URL is set,
    the queues of the active services are looked at too; nothing is published.
    """
    if not api_key:
        raise click.UsageError("Give the service's key in PAYMENT_SERVICE_API_KEY or --api-key.")
    if not api_key.isascii() or not api_key.isprintable():
        raise click.BadParameter("expected visible characters only", param_hint="--api-key")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise click.BadParameter(f"{url!r} is no http:// or https:// address", param_hint="--url")
    container = make_container(command_settings())
    root = url.rstrip("/").removesuffix(_BASE)
    with httpx.Client(
        base_url=root, headers={"Authorization": f"ApiKey {api_key}"}, timeout=10
    ) as client:
        probes = _Checker(client, user).run()
    probes.extend(asyncio.run(check_broker(container, api_key)))
    works = all(probe.ok is not False for probe in probes)
    if as_json:
        print_json({"url": root, "ok": works, "checks": [asdict(probe) for probe in probes]})
    else:
        _print(root, probes, works)
    if not works:
        context.exit(WRONG)


class _Checker:
    def __init__(self, client: httpx.Client, user: str) -> None:
        self._client = client
        self._user = quote(user, safe="")
        self._user_id = user
        self._probes: list[Probe] = []

    def run(self) -> list[Probe]:
        self._ask("GET", "/health/ready", "status")
        self._ask("GET", f"{_BASE}/services", "services")
        access = f"{_BASE}/subscriptions/{self._user}/validate-access"
        self._ask("GET", access, "canAccess")
        balance = self._ask("GET", f"{_BASE}/balance/{self._user}", "balance")
        self._spend((balance or {}).get("balance"))
        self._ask("GET", f"{_BASE}/blocklist", None, params={"limit": 1})
        return self._probes

    def _spend(self, balance: Any) -> None:
        deduct, reverse = f"{_BASE}/deduct", f"{_BASE}/reverse"
        if not isinstance(balance, int) or balance < 1:
            reason = "has no credits" if balance == 0 else "has an unknown balance"
            for path in (deduct, reverse):
                note = f"not tried: {self._user_id} {reason}"
                self._probes.append(Probe(f"POST {path}", None, 0, note))
            return
        body = {"userId": self._user_id, "amount": 1, "feature": "check"}
        done = self._ask("POST", deduct, "transactionId", json=body)
        if done is None:
            self._probes.append(Probe(f"POST {reverse}", None, 0, "not tried: nothing to reverse"))
            return
        body = {"transactionId": done["transactionId"], "reason": "check"}
        self._ask("POST", reverse, "amountReversed", json=body)

    def _ask(
        self, method: str, path: str, expected: str | None, **request: Any
    ) -> dict[str, Any] | None:
        """The answer, where it is as it should be: 200, JSON, with the field `expected`."""
        started = time.monotonic()
        answer: dict[str, Any] | None = None
        try:
            response = self._client.request(method, path, **request)
            answer, note = _read(response, expected)
        except httpx.HTTPError as error:
            note = f"no answer: {error}" if str(error) else f"no answer: {type(error).__name__}"
        spent = round((time.monotonic() - started) * 1000)
        self._probes.append(Probe(f"{method} {path}", answer is not None, spent, note))
        return answer


def _read(response: httpx.Response, expected: str | None) -> tuple[dict[str, Any] | None, str]:
    try:
        body = response.json()
    except ValueError:
        return None, f"{response.status_code}, and no JSON"
    if not isinstance(body, dict):
        return None, f"{response.status_code}, and no JSON object"
    if response.status_code != httpx.codes.OK:
        return None, f"{response.status_code} {body.get('message', '')}".strip()
    if expected is not None and expected not in body:
        return None, f"200, without {expected}"
    if expected is None or isinstance(body[expected], list):
        return body, ""
    return body, f"{expected}: {json.dumps(body[expected])[:60]}"


def _print(root: str, probes: list[Probe], works: bool) -> None:
    click.echo(root)
    for probe in probes:
        mark = {True: "✓", False: "✗", None: "–"}[probe.ok]
        click.echo(
            f"  {mark} {probe.endpoint:<52} {probe.milliseconds:>5} ms  {probe.note}".rstrip()
        )
    click.echo("Everything answers." if works else "Something does not answer as it should.")
