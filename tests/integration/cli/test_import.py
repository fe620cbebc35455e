"""`import`: files of old records, refused lines, totals, and runs that are killed half-way."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.service import Service

OLD_KEY = "sk_paraphrase_a8f9d2e3c4b5a6f7e8d9c0b1a2f3e4d5"
NOW = "2025-01-01T00:00:00Z"
LATER = "2199-01-01T00:00:00Z"


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    yield made
    made.kill()


def write(command: Service, lines: Iterable[dict[str, Any] | str], name: str = "old.jsonl") -> Path:
    path: Path = command.folder / name
    with path.open("w") as file:
        for line in lines:
            file.write((line if isinstance(line, str) else json.dumps(line)) + "\n")
    return path


def wallet(user: str, balance: int) -> dict[str, Any]:
    return {"type": "wallet", "userId": user, "balance": balance}


def deduction(number: int, user: str, amount: int) -> dict[str, Any]:
    return {
        "type": "transaction",
        "transactionId": f"txn_old_{number}",
        "userId": user,
        "service": "paraphrase",
        "amount": amount,
    }


ALL = [
    wallet("u1", 150),
    wallet("u2", 0),
    deduction(1, "u1", 5),
    {
        "type": "subscription",
        "userId": "u1",
        "plan": "pro",
        "currentPeriodStart": NOW,
        "currentPeriodEnd": LATER,
    },
    {"type": "apiKey", "service": "paraphrase", "key": OLD_KEY, "createdAt": NOW},
    {
        "type": "totals",
        "wallets": 2,
        "credits": 150,
        "transactions": 1,
        "subscriptions": 1,
        "apiKeys": 1,
    },
]


def imported(command: Service, *arguments: str) -> tuple[int, dict[str, Any], str]:
    ended = command.run("import", *arguments, "--json")
    assert ended.stdout, ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return ended.returncode, report, ended.stderr


async def test_everything_goes_on(command: Service) -> None:
    path = str(write(command, ALL))
    command.run("migrate")
    code, dry, _ = imported(command, path, "--dry-run")
    assert (code, dry["records"]["wallet"]["new"]) == (0, 2)
    code, report, _ = imported(command, path)
    assert (code, report["disagreements"]) == (0, [])
    assert report["records"]["wallet"]["creditsStored"] == 150
    code, again, _ = imported(command, path)
    before = {kind: count["before"] for kind, count in again["records"].items()}
    assert code == 0
    assert before == {"wallet": 2, "transaction": 1, "subscription": 1, "apiKey": 1}

    command.start()
    async with command.by_key(OLD_KEY) as service:
        assert (await service.get("/balance/u1"))["balance"] == 150
        reversed_ = await service.post("/reverse", {"transactionId": "txn_old_1"})
        assert reversed_["newBalance"] == 155
        access = await service.get("/subscriptions/u1/validate-access")
        assert access["subscription"]["plan"] == "pro"
    command.verify()


def test_every_wrong_line_is_named_and_the_others_go_on(command: Service) -> None:
    wrong: list[dict[str, Any] | str] = [
        "not json",
        '{"type": "unicorn"}',
        wallet("u1", -1),
        {**deduction(2, "u1", 5), "service": "dreams"},
        {"type": "apiKey", "service": "paraphrase", "createdAt": NOW},
        {**old_key(1), "name": "jobs\u202e"},
        "x" * 70_000,
        wallet("u3", 7),
        wallet("u3", 7),
    ]
    path = write(command, wrong)
    code, report, said = imported(command, str(path), "--refused", str(command.folder / "no.jsonl"))
    assert code == 1
    assert report["records"]["wallet"]["new"] == 1
    refused = [json.loads(line) for line in (command.folder / "no.jsonl").read_text().splitlines()]
    assert sorted(line["line"] for line in refused) == [1, 2, 3, 4, 5, 6, 7, 9]
    assert {line["code"] for line in refused} == {"invalid_request"}
    assert "old.jsonl, line 3:" in said
    assert "balance" in said


def test_totals_that_do_not_agree(command: Service) -> None:
    path = write(command, [wallet("u1", 150), {"type": "totals", "wallets": 2, "credits": 100}])
    code, report, _ = imported(command, str(path))
    assert code == 1
    assert len(report["disagreements"]) == 2


@pytest.mark.parametrize("other", [160, 0])
def test_another_balance_is_not_guessed_at(command: Service, other: int) -> None:
    imported(command, str(write(command, [wallet("u1", 150)])))
    code, report, said = imported(command, str(write(command, [wallet("u1", other)])))
    assert (code, report["records"]["wallet"]["refused"]) == (1, 1)
    assert "line 1" in said


def test_a_run_that_is_killed_is_repeated(command: Service) -> None:
    users, keys = 3_000, 300
    credits = sum(n % 7 + 1 for n in range(users))
    lines = [wallet(f"u{n}", n % 7 + 1) for n in range(users)]
    for number in range(keys):  # evenly among the wallets: whenever it is killed, some are left
        lines.insert(number * 11, old_key(number))
    path = write(command, lines)
    _kill_half_way(command, path)
    code, report, _ = imported(command, str(path))
    assert code == 0
    for kind, all_of_them in (("wallet", users), ("apiKey", keys)):
        count = report["records"][kind]
        assert count["before"] > 0
        assert count["new"] > 0
        assert count["new"] + count["before"] == all_of_them
    count = report["records"]["wallet"]
    assert count["creditsInLines"] == count["creditsStored"] == credits
    assert _stored(command, "api_keys") == keys
    command.verify()


def old_key(number: int) -> dict[str, Any]:
    key = f"sk_paraphrase_{number:032}"
    return {"type": "apiKey", "service": "paraphrase", "key": key, "createdAt": NOW}


def _kill_half_way(command: Service, path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "shothik_payment", "import", str(path)],
        env=command.environment,
        cwd=command.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while run.poll() is None and time.monotonic() < deadline:
        if _stored(command, "wallets") > 500 and _stored(command, "api_keys") > 50:
            run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL


def _stored(command: Service, table: str) -> int:
    if not command.database.exists():
        return 0
    with closing(sqlite3.connect(f"file:{command.database}?mode=ro", uri=True)) as connection:
        try:
            (rows,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        except sqlite3.OperationalError:
            return 0  # the schema is being made
    return int(rows)


def test_refused_lines_are_for_their_owner_alone(command: Service) -> None:
    """They may have keys in them, whoever has made the file."""
    refused = command.folder / "no.jsonl"
    refused.write_text("of an earlier run")
    refused.chmod(0o644)
    imported(command, str(write(command, [wallet("u1", -1)])), "--refused", str(refused))
    assert refused.stat().st_mode & 0o777 == 0o600
    assert "of an earlier run" not in refused.read_text()


def test_it_says_how_to_call_it(command: Service) -> None:
    assert command.run("import").returncode == 2
    assert command.run("import", "not there.jsonl").returncode == 2
