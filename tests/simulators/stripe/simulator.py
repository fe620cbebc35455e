"""The simulator's process, and the orders that tests give it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx

from tests.simulators.stripe.shapes import SECRET_KEY_VARIABLE, Json
from tests.simulators.stripe.webhooks import signed
from tests.support.servers.process import ServerProcess

SECRET_KEY = "sk_test_planted51NeverToBeSeen"
WEBHOOK_SECRET = "whsec_planted_never_to_be_seen"
_ROOT = Path(__file__).parents[3]

CREATE_SESSION = "POST /v1/checkout/sessions"
GET_SESSION = "GET /v1/checkout/sessions/{id}"
LIST_SESSIONS = "GET /v1/checkout/sessions"
EXPIRE_SESSION = "POST /v1/checkout/sessions/{id}/expire"
CREATE_REFUND = "POST /v1/refunds"
LIST_REFUNDS = "GET /v1/refunds"
LIST_DISPUTES = "GET /v1/disputes"
CREATE_INTENT = "POST /v1/payment_intents"
LIST_INTENTS = "GET /v1/payment_intents"
GET_INTENT = "GET /v1/payment_intents/{id}"
CREATE_CUSTOMER = "POST /v1/customers"


class Fault(StrEnum):
    SLOW = "slow"
    """Done, and answered after `seconds`."""
    LOST = "lost"
    """Done, and after `seconds` the connection is cut instead of an answer."""
    REFUSED = "refused"
    """Not done, and after `seconds` the connection is cut."""
    FAILED_BUT_DONE = "failed_but_done"
    """Done, and answered 500 now and whenever the key comes again."""
    ERROR = "500"
    TOO_MANY = "429"
    KEY_REFUSED = "401"
    GARBAGE = "garbage"
    WRONG_AMOUNT = "wrong_amount"
    """The session's total is `value`."""
    OTHER_PAYMENT = "other_payment"
    """The session is for the payment `value`."""


class Simulator:
    """One Stripe account in a process of its own. It knows nothing of the service's processes, and
    keeps what it holds until it is stopped. Amounts are in Stripe's units."""

    def __init__(self, folder: Path) -> None:
        self.secret_key = SECRET_KEY
        self.webhook_secret = WEBHOOK_SECRET
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--http", "1"]
        command += ["--host", "127.0.0.1", "--port", str(self._port), "--no-ws"]
        self._process = ServerProcess(
            [*command, "tests.simulators.stripe.app:app"],
            folder,
            {"PYTHONPATH": str(_ROOT), SECRET_KEY_VARIABLE: SECRET_KEY},
        )

    def start(self) -> None:
        self._process.start(self._is_up)

    def stop(self) -> None:
        self._process.stop()

    async def reset(self) -> None:
        """An empty account again, and no orders."""
        await self._order("reset")

    # The payer.

    async def pay(self, session_id: str) -> Json:
        return dict(await self._order("pay", session_id=session_id))

    async def decline(self, session_id: str) -> Json:
        return dict(await self._order("decline", session_id=session_id))

    async def pay_later(self, session_id: str) -> Json:
        """With a method that takes days; `arrive` ends that."""
        return dict(await self._order("pay_later", session_id=session_id))

    async def arrive(self, session_id: str, *, succeeded: bool = True) -> Json:
        return dict(await self._order("arrive", session_id=session_id, succeeded=succeeded))

    async def expire(self, session_id: str) -> Json:
        return dict(await self._order("expire", session_id=session_id))

    # The merchant at the dashboard, and the banks.

    async def refund_from_dashboard(self, session_id: str, amount: int) -> Json:
        return dict(await self._order("dashboard_refund", session_id=session_id, amount=amount))

    async def refunds_become(self, status: str) -> None:
        """The status of refunds from now on: succeeded, pending, requires_action, failed."""
        await self._order("refunds_become", status=status)

    async def settle_refund(self, refund_id: str, status: str) -> Json:
        return dict(await self._order("settle_refund", refund_id=refund_id, status=status))

    async def open_dispute(
        self, session_id: str, amount: int | None = None, status: str = "needs_response"
    ) -> Json:
        """`amount` None: all of it. The session, or the payment intent of an off-session charge."""
        asked = {"session_id": session_id, "amount": amount, "status": status}
        return dict(await self._order("open_dispute", **asked))

    async def close_dispute(self, dispute_id: str, status: str) -> Json:
        """As won, lost, warning_closed or prevented."""
        return dict(await self._order("close_dispute", dispute_id=dispute_id, status=status))

    async def habit(self, method_id: str, habit: str) -> None:
        """What comes of charging it: succeeded, declined, authentication_required, processing."""
        await self._order("habit", method_id=method_id, habit=habit)

    async def settle_intent(self, intent_id: str, *, succeeded: bool = True) -> Json:
        asked = {"intent_id": intent_id, "succeeded": succeeded}
        return dict(await self._order("settle_intent", **asked))

    async def detach(self, method_id: str) -> None:
        await self._order("detach", method_id=method_id)

    # What Stripe holds and was asked.

    async def money(self, payment_id: str) -> tuple[int, int]:
        """Paid for the service's payment, and refunded of it."""
        paid, refunded = await self._order("money", payment_id=payment_id)
        return paid, refunded

    async def objects(self, kind: str) -> list[Json]:
        """sessions, payment_intents, charges, refunds, disputes, customers or payment_methods,
        oldest first."""
        return list(await self._order("objects", kind=kind))

    async def calls(self, route: str) -> int:
        """How often the API was asked, such as CREATE_SESSION."""
        return int((await self._order("calls")).get(route, 0))

    # Trouble.

    async def fault(
        self, route: str, fault: Fault, times: int = 1, *, seconds: float = 0, value: Any = None
    ) -> None:
        """For the next calls of the route; orders for one route are served in turn."""
        asked = {"kind": fault, "times": times, "seconds": seconds, "value": value}
        await self._order("fault", route=route, **asked)

    async def no_more_faults(self) -> None:
        """Orders that were not served yet are taken back."""
        await self._order("no_more_faults")

    async def forget_keys(self) -> None:
        """All idempotency keys, as Stripe may after a day."""
        await self._order("forget_keys")

    # Webhooks.

    async def events(self, kind: str = "") -> list[Json]:
        """What happened, oldest first; those whose type begins with `kind`."""
        return [e for e in await self._order("events") if e["type"].startswith(kind)]

    def signed(self, event: Json, at: int | None = None) -> tuple[bytes, dict[str, str]]:
        """The event as a webhook's raw body and headers; `at` in seconds, None: now."""
        return signed(event, self.webhook_secret, at)

    async def send_webhooks_to(self, address: str | None) -> None:
        """Each event from now on, at once, and again until it is answered 2xx. None: stop that."""
        await self._order("register", address=address, secret=self.webhook_secret)

    async def send_webhooks(
        self,
        addresses: Sequence[str],
        events: Sequence[Json] | None = None,
        *,
        copies: int = 1,
        order: str = "forward",
    ) -> list[int]:
        """Send what happened (None: everything) `copies` times each, to the addresses by turns; the
        status codes, 0 for no answer. `order`: forward, reversed, or shuffled and many at once."""
        ids = None if events is None else [event["id"] for event in events]
        how = {"addresses": list(addresses), "copies": copies, "order": order}
        sent = await self._order("send", event_ids=ids, secret=self.webhook_secret, **how)
        return list(sent)

    async def _order(self, name: str, **asked: Any) -> Any:
        # One a call: tests run in loops of their own.
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=120) as client:
            answer = await client.post(f"{self.url}/_sim/{name}", json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def _is_up(self) -> bool:
        try:
            with httpx.Client(trust_env=False, verify=False) as client:
                return client.post(f"{self.url}/_sim/calls", json={}).status_code == 200
        except httpx.HTTPError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
