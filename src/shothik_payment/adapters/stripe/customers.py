"""Who a user is at Stripe, and what later payments may be charged to.

Only Stripe's ids are kept here: what a card looks like, Stripe is asked for.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

import stripe

from shothik_payment.adapters.stripe.lists import listed
from shothik_payment.domain.errors import StoreCorrupt, Unavailable
from shothik_payment.domain.model.time import Millis
from shothik_payment.domain.ports.documents import Documents
from shothik_payment.domain.ports.gateway import SavedMethod

_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Customer:
    """`method` None: nothing on file. `as_of`: when the payment began that left it, or when it was
    forgotten; what began before changes nothing any more."""

    id: str
    method: str | None = None
    as_of: Millis = Millis(0)

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, document: bytes) -> Customer:
        try:
            return cls(**json.loads(document))
        except (ValueError, TypeError) as error:
            raise StoreCorrupt("A Stripe customer cannot be read.") from error


class Customers:
    """`mode`: test or live, which know different customers."""

    def __init__(self, client: stripe.StripeClient, documents: Documents, mode: str) -> None:
        self._client = client
        self._documents = documents
        self._mode = mode

    async def find(self, user_id: str) -> Customer | None:
        stored = await self._documents.get(self._name(user_id))
        return None if stored is None else Customer.decode(stored)

    async def find_or_make(self, user_id: str) -> Customer:
        """The same for all who ask, however many at once."""
        known = await self.find(user_id)
        if known is not None:
            return known
        made = await self._client.v1.customers.create_async(
            {"metadata": {"user_id": user_id}},
            {"idempotency_key": f"customer-{user_id}"},
        )
        customer = Customer(made.id)
        if await self._documents.replace(self._name(user_id), None, customer.encode()):
            return customer
        # Another was faster. If it asked Stripe a day ago, ours is a second one, and stays unused.
        return await self.find(user_id) or customer

    async def remember(self, user_id: str, customer_id: str, method: str, as_of: Millis) -> None:
        """The method of a payment that began at `as_of`, unless a later one left another or it was
        forgotten since. May be repeated."""
        customer = await self.find(user_id)
        if customer is None or customer.id != customer_id or customer.as_of >= as_of:
            return
        await self._store(user_id, method, as_of)

    async def forget(self, user_id: str, at: Millis) -> None:
        customer = await self.find(user_id)
        if customer is None:
            return
        # First here: from now on nothing is charged, whatever becomes of the calls.
        await self._store(user_id, None, at)
        methods = self._client.v1.customers.payment_methods
        attached = [
            method["id"]
            async for method in listed(lambda p: methods.list_async(customer.id, p), {})
        ]
        for method_id in attached:
            await self._client.v1.payment_methods.detach_async(method_id)

    async def saved(self, user_id: str) -> SavedMethod | None:
        customer = await self.find(user_id)
        if customer is None or customer.method is None:
            return None
        found = await self._client.v1.payment_methods.retrieve_async(customer.method)
        method = found.to_dict()
        if method["customer"] is None:
            return None  # detached at Stripe's dashboard
        details = method.get(method["type"]) or {}
        name, last4 = details.get("brand") or method["type"], details.get("last4")
        return SavedMethod(f"{name} ···· {last4}" if last4 else name)

    async def _store(self, user_id: str, method: str | None, as_of: Millis) -> None:
        name = self._name(user_id)
        for _ in range(_ATTEMPTS):
            stored = await self._documents.get(name)
            if stored is None:
                return
            customer = Customer.decode(stored)
            if customer.as_of > as_of:
                return  # another process has stored what is newer
            changed = replace(customer, method=method, as_of=as_of)
            if await self._documents.replace(name, stored, changed.encode()):
                return
        raise Unavailable("The user's payment method is being changed by too many.")

    def _name(self, user_id: str) -> str:
        return f"{self._mode}/{user_id}"
