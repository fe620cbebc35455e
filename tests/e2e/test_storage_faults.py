"""A file that cannot be written or read: refused in words, nothing half written."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.e2e.service import Service
from tests.e2e.waiting import eventually


async def test_a_corrupt_file_is_refused_in_words(unstarted: Service) -> None:
    service = unstarted
    service.start()
    service.stop()
    content = bytearray(service.database.read_bytes())
    content[0:100] = b"\xff" * 100
    service.database.write_bytes(content)
    started = service.run("serve")
    assert started.returncode != 0
    assert "Traceback" not in started.stderr
    assert "not a database" in started.stderr or "corrupt" in started.stderr.lower()
    assert service.database.read_bytes() == bytes(content)


async def test_a_file_of_another_kind_is_refused_in_words(unstarted: Service) -> None:
    service = unstarted
    service.database.write_text("these are the accounts of 1983\n" * 1000)
    for command in (["serve"], ["verify"], ["keys", "list"]):
        ran = service.run(*command)
        assert ran.returncode != 0
        assert "Traceback" not in ran.stderr
        assert str(service.database) in ran.stderr + ran.stdout


async def test_the_disk_is_full(unstarted: Service) -> None:
    """A limit on file size stands for the full disk: a write past it fails just so."""
    service = unstarted
    service.start()
    key = service.key()
    await service.give("full", 1_000_000)
    service.stop()
    limit = 256 * 1024 + size_of(service)
    service.start()
    assert service.process is not None
    for pid in process_group(service.process.pid):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, limit))
    answered = 0
    refused = None
    async with service.by_key(key) as client:
        for number in range(20_000):
            body = {"userId": "full", "amount": 1, "requestId": f"full-{number}"}
            answer = await client.send("/deduct", body)
            if answer.status_code == 503:
                refused = answer
                break
            assert answer.status_code == 200, answer.text
            answered += 1
        assert refused is not None
        assert refused.headers["retry-after"]
        assert refused.json()["error"]["code"] == "unavailable"

        async def is_not_ready() -> bool:  # what was found before is believed for a second
            ready = await client.http.get(f"{service.url}/health/ready")
            return bool(ready.status_code == 503)

        await eventually(is_not_ready)
        assert (await client.get("/balance/full"))["balance"] == 1_000_000 - answered
    service.kill()
    service.start()
    async with service.by_key(key) as client:
        body = {"userId": "full", "amount": 1, "requestId": f"full-{answered}"}
        assert (await client.post("/deduct", body))["newBalance"] == 1_000_000 - answered - 1
    service.verify()


def size_of(service: Service) -> int:
    return max(path.stat().st_size for path in service.folder.glob("shothik.db*"))


def process_group(leader: int) -> list[int]:
    """The started process and its children."""
    found = subprocess.run(
        [sys.executable, "-c", _CHILDREN, str(leader)], capture_output=True, text=True, check=True
    )
    return [int(pid) for pid in found.stdout.split()]


_CHILDREN = """
import sys, psutil
leader = psutil.Process(int(sys.argv[1]))
print(leader.pid, *(child.pid for child in leader.children(recursive=True)))
"""


async def test_a_file_that_may_only_be_read(unstarted: Service) -> None:
    """A read-only mount is what root meets too; a mode alone would not stop it."""
    service = unstarted
    service.start()
    key = service.key()
    await service.give("frozen", 10)
    service.stop()
    mounted = mount_read_only(service.folder)
    try:
        before = service.database.read_bytes()
        started = service.run("serve", HOME="/tmp")
        assert started.returncode != 0
        assert "Traceback" not in started.stderr
        assert str(service.database) in started.stderr
        assert "rights" in started.stderr or "read-only" in started.stderr
        assert service.database.read_bytes() == before
    finally:
        mounted()
    service.start()
    async with service.by_key(key) as client:
        assert (await client.get("/balance/frozen"))["balance"] == 10
    service.kill()


def mount_read_only(folder: Path) -> Callable[[], None]:
    """Make the folder read-only, for root too; gives back what undoes it."""
    if os.geteuid() != 0:
        files = [folder, *folder.glob("shothik*")]
        modes = {path: path.stat().st_mode for path in files}
        for path in files:
            path.chmod(path.stat().st_mode & 0o555)
        return lambda: [path.chmod(mode) for path, mode in modes.items()] and None
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
    return lambda: subprocess.run(["umount", str(folder)], check=True) and None
