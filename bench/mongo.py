"""A MongoDB that is fast enough to be timed: the one that DATABASE_URL names, or a program that
speaks its protocol. The one that the tests use is too slow."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.e2e.service import free_port
from tests.support.servers.process import ServerProcess

PROGRAM = "secantusd-rs"
MISSING = (
    "No MongoDB to measure on: set DATABASE_URL=mongodb://… (a replica set, 8.0 or newer; databases"
    f" of the run's own are made there and dropped), or put {PROGRAM} on the PATH or name it with"
    " SECANTUSD. What needs it is not measured."
)
_ANSWER_MS = 5_000


@dataclass(frozen=True, slots=True)
class Mongo:
    """`name` says what it is, `full_name` of which version; `host` and `port` are the primary's."""

    name: str
    full_name: str
    url: str
    host: str
    port: int

    def fresh(self) -> str:
        """The URL of a database that nobody has used yet."""
        return with_database(self.url, f"bench_{uuid.uuid4().hex[:12]}")

    def drop(self, url: str) -> None:
        with MongoClient[dict[str, Any]](url) as client:
            client.drop_database(urlsplit(url).path[1:])


@contextmanager
def found(folder: Path) -> Iterator[Mongo | None]:
    """None: there is none. Raises SystemExit where the one that was named does not answer."""
    url = os.environ.get("DATABASE_URL", "")
    program = shutil.which(os.environ.get("SECANTUSD") or PROGRAM)
    if url.startswith(("mongodb://", "mongodb+srv://")):
        yield _reached("MongoDB", "MongoDB", url)
    elif os.environ.get("SECANTUSD") and program is None:
        raise SystemExit("SECANTUSD names no program that can be run")
    elif program is not None:
        with _started(program, folder) as mongo:
            yield mongo
    else:
        yield None


@contextmanager
def _started(program: str, folder: Path) -> Iterator[Mongo]:
    folder.mkdir()
    port = free_port()
    storage = ["--storage-path", str(folder / "data"), "--sync-on-commit"]
    server = ServerProcess([program, "--port", str(port), *storage], folder)
    url = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    server.start(lambda: _answers(url))
    try:
        yield _reached(PROGRAM, _version_of(program), url)
    finally:
        server.kill()


def _version_of(program: str) -> str:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10)
    first = told.stdout.partition("\n")[0] or PROGRAM
    return f"{first} (no MongoDB, but its protocol), version"


def _answers(url: str) -> bool:
    try:
        with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=500) as client:
            return bool(client.admin.command("hello").get("isWritablePrimary"))
    except PyMongoError:
        return False


def _reached(name: str, full_name: str, url: str) -> Mongo:
    try:
        with MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=_ANSWER_MS) as client:
            version = client.server_info()["version"]
            address = client.address
    except PyMongoError as error:
        # Not the error's own words: they can repeat the URL, and a password in it.
        raise SystemExit(f"MongoDB does not answer ({type(error).__name__})") from None
    host, port = address or ("127.0.0.1", 27017)
    return Mongo(name, f"{full_name} {version}", url, host, port)


def with_database(url: str, name: str) -> str:
    """The same server and user, another database."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if "@" in parts.netloc:
        # Else the user would be looked for in the new database.
        options.setdefault("authSource", parts.path[1:] or "admin")
    return parts._replace(path=f"/{name}", query=urlencode(options)).geturl()


def with_port(url: str, port: int) -> str:
    """The same by way of a proxy on this machine; a driver would go past it to the members that a
    replica set names."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if parts.scheme.startswith("mongodb"):
        options = {k: v for k, v in options.items() if k != "replicaSet"}
        options["directConnection"] = "true"
    user, at, _ = parts.netloc.rpartition("@")
    scheme = parts.scheme.partition("+")[0]
    netloc = f"{user}{at}127.0.0.1:{port}"
    return parts._replace(scheme=scheme, netloc=netloc, query=urlencode(options)).geturl()
