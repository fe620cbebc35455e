"""The secret that development keeps beside its database."""

from __future__ import annotations

import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from shothik_payment.domain.errors import Misconfigured
from shothik_payment.entrypoints.secret_file import kept_secret


def test_it_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "var" / "shothik.secret"
    made = kept_secret(path)
    assert len(made) == 64
    assert kept_secret(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["shothik.secret"]


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        made = set(pool.map(kept_secret, [tmp_path / "s"] * 8))
    assert len(made) == 1


def test_a_damaged_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    with pytest.raises(Misconfigured, match="holds no secret"):
        kept_secret(tmp_path / "s")


def test_a_place_that_cannot_be_written_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="set JWT_SECRET to do without"):
        kept_secret(tmp_path / "file" / "s")
