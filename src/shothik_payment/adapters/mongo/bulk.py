"""Change sets as one bulk write over all collections.

The command is sent as a plain document, which the driver encodes in one go; its own bulk API walks
over each operation in Python and costs several times as much.
"""

from __future__ import annotations

from collections.abc import Sequence

from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure

from shothik_payment.adapters import codec
from shothik_payment.adapters.mongo import charges, event_rows, names, rows
from shothik_payment.adapters.mongo.database import MongoDatabase
from shothik_payment.adapters.mongo.errors import is_taken
from shothik_payment.adapters.mongo.order import CommitOrder
from shothik_payment.adapters.mongo.rows import Doc
from shothik_payment.domain.model.identifiers import bucket_of
from shothik_payment.domain.model.payment import Payment
from shothik_payment.domain.ports.ledger_store import ChangeSet

OPERATIONS_AT_ONCE = 1_000
"""Keeps a command far below the 16 MiB of a document."""

# Operations on one collection stand together: the server takes inserts that follow one another as
# one. Forgotten request keys are deleted before new ones are bound.
_IN_ORDER = (
    names.WALLETS,
    names.TRANSACTIONS,
    names.REQUEST_KEYS,
    names.OUTBOX,
    names.GRANTS,
    names.HOLDS,
    names.PAYMENTS,
    names.PAYMENT_SESSIONS,
    names.SUBSCRIPTION_STEPS,
    names.CHARGED_HOURS,
)
_NUMBERS = {name: number for number, name in enumerate(_IN_ORDER)}


class Bulk:
    """`commit` marks the wallets and steps that it writes; `shard` is where it adds up what is
    charged."""

    def __init__(
        self, changes: Sequence[ChangeSet], order: CommitOrder, commit: str, shard: str
    ) -> None:
        self.commit = commit
        self.changes = changes
        self._order = order
        self._operations: list[list[Doc]] = [[] for _ in _IN_ORDER]
        for change in changes:
            self._add(change)
        for which, added in charges.added_up(changes, shard):
            self._replace(names.CHARGED_HOURS, which, added, upsert=True)

    @property
    def size(self) -> int:
        return sum(map(len, self._operations))

    def commands(self, database: str) -> list[Doc]:
        operations = [operation for of_one in self._operations for operation in of_one]
        return [
            {
                "bulkWrite": 1,
                "ops": operations[start : start + OPERATIONS_AT_ONCE],
                "nsInfo": [{"ns": f"{database}.{name}"} for name in _IN_ORDER],
                "ordered": True,
                "errorsOnly": True,
            }
            for start in range(0, len(operations), OPERATIONS_AT_ONCE)
        ]

    def _add(self, change: ChangeSet) -> None:
        user = change.wallet.user_id
        bucket = bucket_of(user)
        for key in change.forgotten_requests:
            digest = codec.request_digest(user, key)
            self._delete(names.REQUEST_KEYS, {"_id": digest, "bucket": bucket})
        for row in change.transactions:
            self._insert(names.TRANSACTIONS, rows.transaction_document(row, bucket))
            if row.request_key is not None:
                document = rows.row_key_document(row, row.request_key, bucket)
                self._insert(names.REQUEST_KEYS, document)
        for record in change.requests:
            self._insert(names.REQUEST_KEYS, rows.record_document(record))
        for event in change.events:
            document = event_rows.event_document(event, bucket, self._order.next(event.at))
            self._insert(names.OUTBOX, document)
        for grant in change.grants:
            self._insert(names.GRANTS, rows.grant_document(grant))
        for grant in change.moved_grants:
            self._put(names.GRANTS, rows.grant_document(grant))
        for hold in change.holds:
            self._put(names.HOLDS, rows.hold_document(hold))
        for payment in change.payments:
            self._add_payment(payment)
        for step in change.steps:
            document = rows.step_document(step, bucket, self.commit)
            self._insert(names.SUBSCRIPTION_STEPS, document)
        self._add_wallet(change, bucket)

    def _add_wallet(self, change: ChangeSet, bucket: str) -> None:
        document = rows.wallet_document(
            change.wallet, bucket, self._order.next(change.wallet.last_at), self.commit
        )
        if change.expected_version == 0:
            self._insert(names.WALLETS, document)
            return
        still = {
            "_id": change.wallet.user_id,
            "bucket": bucket,
            "version": change.expected_version,
        }
        self._replace(names.WALLETS, still, document, upsert=False)

    def _add_payment(self, payment: Payment) -> None:
        document = rows.payment_document(payment)
        self._put(names.PAYMENTS, document)
        if payment.session_id is not None:
            session = {
                "_id": rows.session_id(payment.gateway, payment.session_id),
                "schema_version": rows.SCHEMA_VERSION,
                "payment_id": payment.id,
            }
            # Of another payment already: the insert that follows from no match fails.
            own = {"_id": session["_id"], "payment_id": payment.id}
            self._replace(names.PAYMENT_SESSIONS, own, session, upsert=True)

    def _put(self, collection: str, document: Doc) -> None:
        own = {"_id": document["_id"], "bucket": document["bucket"]}
        self._replace(collection, own, document, upsert=True)

    def _insert(self, collection: str, document: Doc) -> None:
        number = _NUMBERS[collection]
        self._operations[number].append({"insert": number, "document": document})

    def _replace(self, collection: str, which: Doc, document: Doc, *, upsert: bool) -> None:
        number = _NUMBERS[collection]
        self._operations[number].append(
            {
                "update": number,
                "filter": which,
                "updateMods": document,
                "multi": False,
                "upsert": upsert,
            }
        )

    def _delete(self, collection: str, which: Doc) -> None:
        number = _NUMBERS[collection]
        self._operations[number].append({"delete": number, "filter": which, "multi": False})


async def write(database: MongoDatabase, bulk: Bulk, session: AsyncClientSession) -> bool:
    """Write it all in the session's transaction. False: a wallet has moved on or something unique
    is taken, and the transaction is of no use any more. Raises the driver's errors."""
    for command in bulk.commands(database.database.name):
        answer = await database.client.admin.command(command, session=session)
        if answer["nErrors"]:
            _raise_unless_taken(answer)
            return False
        wanted = sum("update" in operation for operation in command["ops"])
        if answer["nMatched"] + answer["nUpserted"] < wanted:
            return False
    return True


def _raise_unless_taken(answer: Doc) -> None:
    for error in answer["cursor"]["firstBatch"]:
        if not error.get("ok") and not is_taken(error.get("code", 0)):
            raise OperationFailure(error.get("errmsg", "bulk write"), error.get("code"), error)
