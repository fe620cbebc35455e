"""Started services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.service import Service


@pytest.fixture
def unstarted(tmp_path: Path) -> Iterator[Service]:
    """A service for the test to start, and perhaps to stop."""
    made = Service(tmp_path)
    yield made
    made.kill()


@pytest.fixture
def service(unstarted: Service) -> Service:
    return unstarted.start()
