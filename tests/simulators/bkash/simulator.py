from __future__ import annotations

import json
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.simulators.bkash.control import Control
from tests.simulators.bkash.sns import CERTIFICATE, EXPIRED, HUGE, REDIRECTING
from tests.support.servers.process import ServerProcess

TOPIC = "arn:aws:sns:ap-southeast-1:123456789012:bkash-payments"
_ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Credentials:
    app_key: str
    app_secret: str
    username: str
    password: str


CREDENTIALS = Credentials(*Control.app, *Control.login)


@dataclass(frozen=True)
class Request:
    """One that came, apart from the tests' own. `connection`: the port it came from."""

    method: str
    path: str
    connection: int


class Simulator:
    """A bKash in a process of its own. `base_url` is what an adapter is given, `url` the origin
    where its certificates lie and its subscriptions are confirmed.

    Faults meet the next `times` calls of a route, in the order in which they were ordered. Routes:
    grant, create, execute, query, search, agreement_status, agreement_cancel, refund,
    refund_status; and certificate and confirm where calls are counted.
    """

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.base_url = f"{self.url}/v1.2.0-beta"
        self.topic = TOPIC
        command = [sys.executable, "-m", "tests.simulators.bkash.serve", str(self.port)]
        environment = {"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = ServerProcess(command, folder, environment)

    def start(self) -> Simulator:
        self._process.start(self._is_up)
        return self

    def stop(self) -> None:
        self._process.kill()

    def freeze(self) -> None:
        """It takes connections and says nothing, until `thaw`."""
        self._process.freeze()

    def thaw(self) -> None:
        self._process.thaw()

    def environment(self) -> dict[str, str]:
        """Settings of a service that is to use it."""
        return {
            "BKASH_APP_KEY": CREDENTIALS.app_key,
            "BKASH_APP_SECRET": CREDENTIALS.app_secret,
            "BKASH_USERNAME": CREDENTIALS.username,
            "BKASH_PASSWORD": CREDENTIALS.password,
            "BKASH_BASE_URL": self.base_url,
            "BKASH_TOPIC_ARN": self.topic,
            "BKASH_SNS_CERT_ORIGIN": self.url,
        }

    def _is_up(self) -> bool:
        try:
            with httpx.Client(trust_env=False, verify=False, timeout=1) as client:
                return client.post(f"{self.url}/_sim/up", json={}).status_code == 200
        except httpx.HTTPError:
            return False

    async def _order(self, order: str, **given: Any) -> Any:
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=60) as client:
            answer = await client.post(f"{self.url}/_sim/{order}", json=given)
        assert answer.status_code == 200, f"{order} failed: {answer.text}"
        return answer.json()

    async def reset(self) -> None:
        """Forget all but the signing certificates."""
        await self._order("reset")

    # The payer

    async def approve(self, session_id: str) -> str:
        """The payer agrees; where the browser is sent then. No money moves by that."""
        return str(await self._order("payer", session_id=session_id, does="approved"))

    async def decline(self, session_id: str) -> str:
        """The payer agrees and has not enough money: an execute is answered with 2023."""
        return str(await self._order("payer", session_id=session_id, does="declined"))

    async def cancel(self, session_id: str) -> str:
        return str(await self._order("payer", session_id=session_id, does="cancelled"))

    # The portal and the books

    async def refund_from_dashboard(self, session_id: str, amount_minor: int) -> str:
        """bKash's id of the refund."""
        return str(await self._order("refund", session_id=session_id, amount_minor=amount_minor))

    async def money(self, payment_id: str) -> tuple[int, int]:
        """What was paid under the invoice number, and refunded of it, in poisha."""
        paid, refunded = await self._order("money", payment_id=payment_id)
        return paid, refunded

    async def session(self, session_id: str) -> dict[str, Any]:
        """As a query tells it."""
        return dict(await self._order("session", session_id=session_id))

    async def set_amount(self, session_id: str, amount: str) -> None:
        """The payer pays another amount than asked for."""
        await self._order("amount", session_id=session_id, amount=amount)

    async def age(self, session_id: str, hours: float) -> None:
        await self._order("age", session_id=session_id, seconds=hours * 3600)

    async def payer_needed(self, needed: bool = True) -> None:
        """Payments by agreement have a page from now on."""
        await self._order("agreements", payer_needed=needed)

    async def agreements(self) -> dict[str, str]:
        """Their states by id."""
        return dict(await self._order("agreements"))

    async def end_agreements(self) -> None:
        """Payers end them in bKash's app."""
        await self._order("agreements", end_all=True)

    # Tokens and what came

    async def expire_tokens(self, life_seconds: int = 3600) -> None:
        """No token given so far is taken; new ones live so long by their own word."""
        await self._order("tokens", life_seconds=life_seconds)

    async def calls(self, route: str) -> int:
        return int((await self._order("calls")).get(route, 0))

    async def requests(self) -> list[Request]:
        found = await self._order("requests")
        return [Request(one["method"], one["path"], int(one["client"][1])) for one in found]

    # Faults

    async def _fault(self, route: str, times: int, **fault: Any) -> None:
        await self._order("fault", route=route, times=times, fault=fault)

    async def fine(self, route: str, times: int = 1) -> None:
        """No fault: for one that comes later."""
        await self._fault(route, times)

    async def slow(self, route: str, seconds: float, times: int = 1) -> None:
        await self._fault(route, times, seconds=seconds)

    async def lose_answer(
        self, route: str, times: int = 1, *, done: bool = True, after_seconds: float = 0
    ) -> None:
        """It is done at once, or never, and the connection ends without an answer."""
        await self._fault(route, times, done=done, cut=True, silent_seconds=after_seconds)

    async def answer(
        self, route: str, status: int, body: dict[str, Any], times: int = 1, *, done: bool = False
    ) -> None:
        await self._fault(route, times, done=done, status=status, body=body)

    async def fail(self, route: str, times: int = 1, *, done: bool = False) -> None:
        await self.answer(route, 500, {"message": "Internal server error"}, times, done=done)

    async def maintenance(self, route: str, times: int = 1) -> None:
        body = {"errorCode": "503", "errorMessage": "System is undergoing maintenance."}
        await self.answer(route, 503, body, times)

    async def refuse_token(self, route: str, times: int = 1) -> None:
        await self.answer(route, 401, {"message": "The incoming token has expired"}, times)

    async def message_only(self, route: str, times: int = 1, *, done: bool = True) -> None:
        await self.answer(route, 200, {"message": "Endpoint request timed out"}, times, done=done)

    async def refuse(self, route: str, code: str, envelope: str = "status", times: int = 1) -> None:
        """`envelope`: `status`, `error`, `refund`."""
        status, body = {
            "status": (200, {"statusCode": code, "statusMessage": "Refused."}),
            "error": (200, {"errorCode": code, "errorMessage": "Refused."}),
            "refund": (
                400,
                {
                    "internalCode": "refused",
                    "externalCode": code,
                    "errorMessageEn": "Refused.",
                    "errorMessageBn": "না।",
                },
            ),
        }[envelope]
        await self.answer(route, status, body, times)

    # SNS

    async def message(self, **given: Any) -> dict[str, Any]:
        """A signed message, as its fields; change them and it is a forgery.

        `session_id`, or `invoice` and `trx_id`: the payment. `topic`. `fields`: any of the
        envelope's, signed as they are (`Type`, `SignatureVersion`, `SigningCertURL`, …), and
        `age_seconds` of its timestamp.
        """
        return dict(json.loads(await self._order("sns", **{"topic": self.topic, **given})))

    async def notify(self, address: str, session_id: str, copies: int = 1) -> list[int]:
        """Send one notification of the payment so many times; the statuses it is answered with."""
        sent = await self._order(
            "sns", topic=self.topic, session_id=session_id, send_to=address, copies=copies
        )
        return list(sent)

    async def subscribe(self, address: str) -> int:
        """Send a SubscriptionConfirmation; the status it is answered with."""
        fields = {"Type": "SubscriptionConfirmation"}
        sent = await self._order("sns", topic=self.topic, fields=fields, send_to=address)
        return int(sent[0])

    @property
    def certificate_url(self) -> str:
        return self.url + CERTIFICATE

    @property
    def expired_certificate_url(self) -> str:
        return self.url + EXPIRED

    @property
    def redirecting_certificate_url(self) -> str:
        return self.url + REDIRECTING

    @property
    def huge_certificate_url(self) -> str:
        return self.url + HUGE


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
