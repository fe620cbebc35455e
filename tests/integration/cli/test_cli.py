"""The command line as an operator meets it: processes, exit codes, words on stderr."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from pathlib import Path

import httpx
import jwt
import pytest

from shothik_payment.domain.model.api_key import well_formed
from tests.e2e.service import SECRET, Service, free_port


@pytest.fixture
def command(tmp_path: Path) -> Service:
    """Commands on a file of their own; no server runs."""
    return Service(tmp_path)


def generate(command: Service, *options: str) -> dict[str, object]:
    made = command.run("keys", "generate", "--service", "paraphrase", "--json", *options)
    assert made.returncode == 0, made.stderr
    answer: dict[str, object] = json.loads(made.stdout)
    return answer


def test_keys_are_made_listed_and_revoked(command: Service) -> None:
    made = generate(command, "--rate-limit", "50", "--expires-in", "2d", "--name", "mine")
    key, shown = made["key"], made["apiKey"]
    assert isinstance(key, str)
    assert isinstance(shown, dict)
    assert well_formed(key)
    assert (shown["service"], shown["rateLimit"], shown["name"]) == (
        "paraphrase_service",
        50,
        "mine",
    )
    assert shown["expiresAt"] > shown["createdAt"]

    listed = command.run("keys", "list")
    assert listed.returncode == 0
    assert str(shown["id"]) in listed.stdout
    assert key not in listed.stdout

    for _ in range(2):
        revoked = command.run("keys", "revoke", str(shown["id"]), "--json")
        assert revoked.returncode == 0
        assert json.loads(revoked.stdout)["apiKey"]["status"] == "revoked"
    everything = json.loads(command.run("keys", "list", "--json").stdout)["apiKeys"]
    assert [entry["status"] for entry in everything] == ["revoked"]


def test_a_plain_key_is_all_that_goes_to_stdout(command: Service) -> None:
    made = command.run("keys", "generate", "--service", "slide_service")
    assert well_formed(made.stdout.removesuffix("\n"))
    assert "shown this once" in made.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("keys", "generate"), "--service"),
        (("keys", "generate", "--service", "nope"), "service: expected one of"),
        (("keys", "generate", "--service", "slide", "--rate-limit", "0"), "--rate-limit"),
        (("keys", "generate", "--service", "slide", "--expires-in", "soon"), "no duration"),
        (("keys", "generate", "--service", "slide", "--expires-at", "soon"), "no time"),
        (("keys", "generate", "--service", "slide", "--expires-at", "2020-01-01"), "in the future"),
        (("keys", "generate", "--service", "slide", "--name", "a\nb"), "--name"),
        (("keys", "generate", "--service", "slide", "--allowed-ip", "host"), "allowedIps[0]"),
        (("keys", "update", "key_1"), "what is to be changed"),
        (("keys", "update", "key_1", "--any-ip", "--allowed-ip", "::1"), "not both"),
        (("keys", "rotate", "key_1", "--grace", "1d", "--no-grace"), "not both"),
        (("keys", "bulk", "delete", "key_1"), "delete"),
        (("token",), "--user"),
        (("token", "--user", "a b"), "no user id"),
        (("token", "--user", "u1", "--ttl", "-5"), "no duration"),
        (("check",), "PAYMENT_SERVICE_API_KEY"),
        (("check", "--api-key", "k", "--url", "localhost"), "address"),
        (("nothing",), "nothing"),
    ],
)
def test_bad_input_is_told_on_stderr(
    command: Service, arguments: tuple[str, ...], told: str
) -> None:
    ended = command.run(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert told in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments", [("serve",), ("keys", "list"), ("verify",), ("token",)])
def test_bad_configuration_is_exit_code_2(command: Service, arguments: tuple[str, ...]) -> None:
    if arguments == ("token",):
        arguments = ("token", "--user", "u1")
    ended = command.run(*arguments, PORT="x")
    assert ended.returncode == 2
    assert ended.stderr == "Error: PORT: expected a whole number; found 'x'\n"


def test_a_catalog_with_a_fault_is_named(command: Service) -> None:
    (command.folder / "mine.toml").write_text("[services.a]\nname = 5\n")
    ended = command.run("serve", CATALOG_FILE="mine.toml")
    assert ended.returncode == 2
    assert "mine.toml, line 2, services.a.name: expected" in ended.stderr


def test_production_says_what_is_missing(command: Service) -> None:
    ended = command.run("serve", APP_ENV="production", JWT_SECRET="short")
    assert ended.returncode == 2
    for variable in ("JWT_SECRET", "REDIS_URL", "RABBITMQ_URL"):
        assert f"  {variable}: " in ended.stderr


def test_a_worker_without_a_broker_would_lose_events(command: Service) -> None:
    ended = command.run("worker")
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: RABBITMQ_URL: a worker publishes events")


def test_a_store_that_is_away_is_exit_code_3(command: Service) -> None:
    command.database.mkdir()
    for arguments in (("verify",), ("keys", "list"), ("serve",)):
        ended = command.run(*arguments)
        assert ended.returncode == 3, ended.stderr
        assert ended.stderr.startswith("Error: ")
        assert "Traceback" not in ended.stderr


def test_tokens_are_signed_with_the_servers_secret(command: Service) -> None:
    made = command.run("token", "--user", "u1", "--admin", "--ttl", "2h", "--json")
    payload = jwt.decode(json.loads(made.stdout)["token"], SECRET, algorithms=["HS256"])
    assert (payload["sub"], payload["role"]) == ("u1", "admin")
    assert payload["exp"] - payload["iat"] == 7200


def test_development_makes_a_secret_of_its_own(command: Service) -> None:
    token = command.run("token", "--user", "u1", JWT_SECRET="").stdout.strip()
    kept = command.folder / "shothik.secret"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert jwt.decode(token, kept.read_text(), algorithms=["HS256"])["sub"] == "u1"


def test_there_is_no_token_where_the_secret_cannot_be_known(command: Service) -> None:
    ended = command.run("token", "--user", "u1", JWT_SECRET="", DATABASE_URL="memory://")
    assert ended.returncode == 2
    assert "JWT_SECRET" in ended.stderr


def test_verify_names_each_difference(command: Service) -> None:
    service = command.start()
    asyncio.run(service.give("u1", 100))
    service.stop()
    clean = command.run("verify", "--json")
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert json.loads(clean.stdout) == {"users": 1, "rows": 1, "differences": []}

    with sqlite3.connect(command.database) as database:
        database.execute("DELETE FROM transactions")
    database.close()
    broken = command.run("verify", "--json")
    assert broken.returncode == 1
    found = json.loads(broken.stdout)["differences"]
    assert {"userId": "u1", "what": "available", "stored": 100, "folded": 0} in found
    in_words = command.run("verify")
    assert in_words.returncode == 1
    assert "u1: available is 100, the ledger gives 0" in in_words.stdout


def test_check_tries_what_a_service_needs(command: Service) -> None:
    service = command.start()
    asyncio.run(service.give("u1", 5))
    access = {"PAYMENT_SERVICE_URL": service.api, "PAYMENT_SERVICE_API_KEY": service.key()}
    works = command.run("check", "--user", "u1", "--json", **access)
    assert works.returncode == 0, works.stdout
    checks = json.loads(works.stdout)["checks"]
    assert [check["ok"] for check in checks] == [True] * 7 + [None]
    assert "nothing to listen to from another process" in checks[-1]["note"]
    poor = command.run("check", "--user", "nobody", **access)
    assert poor.returncode == 0
    assert poor.stdout.count("✓") == 5
    assert poor.stdout.count("not tried") == 2
    mistyped = command.run("check", **{**access, "PAYMENT_SERVICE_API_KEY": "sk_wrong"})
    assert mistyped.returncode == 1
    assert "✗ GET /api/v1/services" in mistyped.stdout
    service.kill()
    away = command.run("check", **access)
    assert away.returncode == 1
    assert "no answer" in away.stdout
    command.verify()


def test_a_port_in_use_is_told(command: Service) -> None:
    service = command.start()
    ended = command.run("serve")
    assert ended.returncode == 2
    assert ended.stderr == (
        f"Error: PORT: {service.port} on 127.0.0.1 is in use; stop what uses it, or set PORT\n"
    )
    assert service.stop() == 0


def test_two_workers_share_one_file(tmp_path: Path) -> None:
    service = Service(tmp_path, WORKERS="2").start()
    assert "rate limits and fast answers to repeats of each worker" in service.log.read_text()
    key = service.key()
    asyncio.run(service.give("u1", 20))
    answers = [
        # A connection each, so that both workers get some.
        httpx.post(
            f"{service.api}/deduct",
            json={"userId": "u1", "amount": 1},
            headers={"Authorization": f"ApiKey {key}"},
        ).status_code
        for _ in range(25)
    ]
    assert sorted(answers) == [200] * 20 + [402] * 5
    assert service.stop() == 0
    service.verify()


def test_ledger_in_memory_needs_no_file(tmp_path: Path) -> None:
    service = Service(tmp_path, free_port(), DATABASE_URL="memory://").start()
    asyncio.run(service.give("u1", 5))
    assert service.stop() == 0
    assert not service.database.exists()


def test_a_store_that_is_not_there_is_not_made_by_who_only_looks(
    command: Service, tmp_path: Path
) -> None:
    missing = tmp_path / "typo" / "shothik.db"
    for arguments in (("verify",), ("keys", "list"), ("keys", "revoke", "key_1")):
        ended = command.run(*arguments, DATABASE_URL=f"sqlite:///{missing}")
        assert (ended.returncode, ended.stdout) == (3, "")
        assert "There is no data store" in ended.stderr
        assert not missing.parent.exists()


def test_no_command_reaches_a_ledger_in_memory(command: Service) -> None:
    for arguments in (("verify",), ("keys", "list"), ("keys", "generate", "--service", "slide")):
        ended = command.run(*arguments, DATABASE_URL="memory://")
        assert ended.returncode == 2
        assert "DATABASE_URL" in ended.stderr


def test_an_unknown_key_cannot_be_revoked(command: Service) -> None:
    command.run("keys", "generate", "--service", "slide")
    ended = command.run("keys", "revoke", "key_none")
    assert ended.returncode == 2
    assert "no such API key" in ended.stderr
