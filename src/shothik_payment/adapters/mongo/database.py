"""The connection to MongoDB, and how it is used everywhere."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from shothik_payment.adapters.mongo import names
from shothik_payment.adapters.mongo.errors import bounded
from shothik_payment.adapters.mongo.rows import SCHEMA_VERSION
from shothik_payment.domain.errors import Misconfigured, StoreCorrupt, Unavailable
from shothik_payment.domain.ports.health import PING_SECONDS

Doc = dict[str, Any]
Client = AsyncMongoClient[Doc]
Collection = AsyncCollection[Doc]

DEFAULT_NAME = "shothik"
ANSWER_SECONDS = 5.0
"""Within which a call is answered or refused, retries by the driver included."""
LONG_SECONDS = 60.0
"""The same for what reads whole collections."""
MIGRATION_SECONDS = 3_600.0
"""The same for what builds their indexes, and adds up what is in them."""

# What is acknowledged has to survive a fail-over (majority) and a power cut (journal), stated here
# so that neither the URL nor a cluster's default can weaken it.
WRITE_CONCERN = WriteConcern(w="majority", j=True)
# What a reader was told, a fail-over must not take back: a balance, a finished request. Together
# with the primary, every commit acknowledged before a read began is seen by it.
READ_CONCERN = ReadConcern("majority")
READ_PREFERENCE = ReadPreference.PRIMARY
# One moment for a whole cursor: no event can be seen without the one before it.
SNAPSHOT = ReadConcern("snapshot")
# For a hint that a commit may rely on in no way.
LATEST = ReadConcern("local")
# In a transaction of writes alone nothing is read, so no read concern is named: what an update's
# filter sees is checked against other transactions by their write conflict.
NO_READS = ReadConcern()

_OPTIONS: dict[str, Any] = {
    "appname": "shothik-payment",
    "serverSelectionTimeoutMS": 3_000,
    "connectTimeoutMS": 3_000,
    "maxPoolSize": 32,
    "maxIdleTimeMS": 300_000,
    # A write whose answer is lost is sent again by the driver, and the server knows it again.
    "retryWrites": True,
    "retryReads": True,
    "tz_aware": False,
    "document_class": dict,
}
_CLIENT_BULK_WRITE = 25
"""The wire version from which servers take a bulk write over several collections (8.0)."""


class MongoDatabase:
    """`url`: `mongodb://…` or `mongodb+srv://…`; its path names the database (without one:
    `shothik`). `migrate_on_open`: make the indexes while opening, for development."""

    def __init__(self, url: str, *, migrate_on_open: bool = False) -> None:
        self._url = url
        self._migrate_on_open = migrate_on_open
        self._client: Client | None = None
        self._database: AsyncDatabase[Doc] | None = None
        self.where = "an address not known yet"

    def __repr__(self) -> str:
        return f"MongoDatabase({self.where})"

    async def open(self) -> None:
        """Raises Unavailable when no primary answers, Misconfigured where the URL is wrong, the
        server cannot do what is needed or `migrate` has not been run, StoreCorrupt where a newer
        release has."""
        await self._connect()
        try:
            await self._check_server()
            if self._migrate_on_open:
                await self.migrate()
            else:
                await self._check_version()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        client, self._client, self._database = self._client, None, None
        if client is not None:
            await client.close()

    async def migrate(self) -> None:
        """Make the collections and indexes of this release; what is there already stays. Opens the
        database for as long as it takes where it is not open."""
        # Beanie and what it needs are big; only a migration loads them.
        from shothik_payment.adapters.mongo.migration import migrate

        opened_here = self._client is None
        if opened_here:
            await self._connect()
        try:
            if opened_here:
                await self._check_server()
            if await self._version() > SCHEMA_VERSION:
                raise self._newer(await self._version())
            with self.bounded(MIGRATION_SECONDS):
                await migrate(self.database)
        finally:
            if opened_here:
                await self.close()

    @property
    def client(self) -> Client:
        if self._client is None:
            raise Unavailable("The data store is not open.")
        return self._client

    @property
    def database(self) -> AsyncDatabase[Doc]:
        if self._database is None:
            raise Unavailable("The data store is not open.")
        return self._database

    def collection(self, name: str) -> Collection:
        return self.database[name]

    def bounded(self, seconds: float = ANSWER_SECONDS) -> AbstractContextManager[None]:
        """Around every use of the driver: a deadline, and the domain's errors."""
        return bounded(seconds, self.where)

    async def ping(self) -> None:
        """Return when a majority takes writes; raises as `open` does."""
        with self.bounded(PING_SECONDS):
            await self.collection(names.SCHEMA).update_one(
                {"_id": "probe"}, {"$inc": {"probes": 1}}, upsert=True
            )

    async def _connect(self) -> None:
        if self._client is not None:
            return
        try:
            # An @ behind the first slash means a password with a slash in it, and the driver
            # would take a part of it for the host, which is named in errors.
            path = self._url.partition("://")[2].partition("/")[2].partition("?")[0]
            if "@" in path:
                raise ValueError
            found = parse_uri(self._url)
            if found["collection"]:  # what the driver takes for one: behind a dot
                raise ValueError
            name = found["database"] or DEFAULT_NAME
            self.where = ", ".join(f"{host}:{port}" for host, port in found["nodelist"])
            self._client = AsyncMongoClient(self._url, **_OPTIONS)
        except (ConfigurationError, ValueError, PyMongoError):
            # The driver's words can repeat parts of the URL, a password with an @ in it even.
            raise Misconfigured(
                "DATABASE_URL",
                "is no MongoDB URL that can be used: expected"
                " mongodb://user:password@host:port/database, with special characters of user and"
                " password percent-encoded, and no dot in the database's name",
            ) from None
        self._database = self._client.get_database(
            name,
            read_concern=READ_CONCERN,
            write_concern=WRITE_CONCERN,
            read_preference=READ_PREFERENCE,
        )

    async def _check_server(self) -> None:
        with self.bounded():
            hello = await self.client.admin.command("hello")
        if hello.get("maxWireVersion", 0) < _CLIENT_BULK_WRITE:
            raise Misconfigured("DATABASE_URL", f"MongoDB at {self.where} is older than 8.0")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise Misconfigured(
                "DATABASE_URL",
                f"MongoDB at {self.where} is no replica set, so it has no transactions; one"
                " member is enough",
            )

    async def _check_version(self) -> None:
        version = await self._version()
        if version > SCHEMA_VERSION:
            raise self._newer(version)
        if version < SCHEMA_VERSION:
            raise Misconfigured(
                "DATABASE_URL",
                f"the database {self.database.name} at {self.where} is not prepared for this"
                " release: run `shothik-payment migrate` first",
            )

    async def _version(self) -> int:
        """0 for a database that was never migrated."""
        with self.bounded():
            found = await self.collection(names.SCHEMA).find_one({"_id": "schema"})
        return 0 if found is None else int(found["version"])

    def _newer(self, version: int) -> StoreCorrupt:
        return StoreCorrupt(
            f"The database {self.database.name} at {self.where} has schema version {version}; this"
            f" release knows versions up to {SCHEMA_VERSION}. Run a newer release on it."
        )
