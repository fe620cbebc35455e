"""bKash's forms: amounts, times, envelopes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shothik_payment.adapters.bkash import formats
from shothik_payment.adapters.bkash.answers import Answer, NoAnswer, StaleToken, read_answer
from shothik_payment.adapters.bkash.notes import Asked, ByAgreement, Notes
from shothik_payment.adapters.memory.documents import MemoryDocuments
from shothik_payment.adapters.memory.state import MemoryState
from shothik_payment.domain.errors import StoreCorrupt, Unavailable
from shothik_payment.domain.model.money import Money

MINOR = st.integers(min_value=0, max_value=10**15 - 1)


@given(MINOR)
def test_money_there_and_back(minor: int) -> None:
    money = Money(minor, "BDT")
    written = money.decimal()
    assert formats.amount({"amount": written, "currency": "BDT"}) == money
    # The ways in which bKash writes the same amount back.
    short = written.rstrip("0").rstrip(".")
    for form in (written, short, written + "00"):
        assert formats.amount({"amount": form}) == money


@given(MINOR, st.integers(min_value=1, max_value=9))
def test_a_third_decimal_is_no_amount(minor: int, digit: int) -> None:
    with pytest.raises(Unavailable):
        formats.amount({"amount": f"{Money(minor, 'BDT').decimal()}{digit}"})


@given(st.text() | st.integers() | st.floats() | st.none() | st.lists(st.integers()))
def test_anything_else_is_an_amount_or_unavailable(value: Any) -> None:
    try:
        found = formats.amount({"amount": value})
    except Unavailable:
        return
    assert isinstance(value, str)
    assert Money.parse(found.decimal(), "BDT") == found


def test_an_amount_in_another_currency() -> None:
    assert formats.amount({"amount": "10", "currency": "USD"}) == Money(1000, "USD")
    with pytest.raises(Unavailable):
        formats.amount({"amount": "10", "currency": "XXX"})
    with pytest.raises(Unavailable):
        formats.amount({"currency": "BDT"})


def test_numbers_are_read_digit_by_digit() -> None:
    answer = read_answer(200, b'{"amount": 12345678901.10, "whole": 10}')
    assert formats.amount(answer.fields) == Money(1_234_567_890_110, "BDT")
    assert formats.amount(answer.fields, "whole") == Money(1_000, "BDT")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2023-09-11T23:31:24:581 GMT+0600", 1_694_453_484_581),
        ("2023-09-11T17:31:24:581 GMT+0000", 1_694_453_484_581),
        ("2023-09-11T23:31:24 GMT+0600", 1_694_453_484_000),
        ("2023-09-11T23:31:24:5 GMT+0600", 1_694_453_484_500),
        ("2023-09-11T23:31:24.581+06:00", 1_694_453_484_581),
        ("2023-13-11T23:31:24:581 GMT+0600", None),
        ("2023-09-11T23:31:24:581", None),
        ("", None),
        (None, None),
    ],
)
def test_times(text: str | None, at: int | None) -> None:
    assert formats.moment(text) == at


@given(st.text())
def test_references(text: str) -> None:
    plain = formats.plain(text, "otherwise")
    assert 0 < len(plain) <= 255
    assert not set("<>&\n\r\0") & set(plain)


def read(status: int, **fields: Any) -> Answer:
    return read_answer(status, json.dumps(fields).encode())


def test_four_envelopes() -> None:
    assert read(200, statusCode="0000", trxID="T").code is None
    assert read(200, refundTrxId="R").code is None
    assert read(200, statusCode="2023", statusMessage="x").code == "2023"
    assert read(200, errorCode="2001", errorMessage="x").code == "2001"
    assert read(400, internalCode="i", externalCode="2071", errorMessageEn="x").code == "2071"
    assert read(400, internalCode="only_this").code == "only_this"
    assert read(200, errorCode="<script>" * 9).code == "unreadable"
    for status in (401, 403):
        with pytest.raises(StaleToken):
            read(status, message="The incoming token has expired")
    with pytest.raises(StaleToken):
        read(401)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"message": "Endpoint request timed out"}'),
        (400, b'{"message": "Invalid request body"}'),
        (302, b'{"statusCode": "0000"}'),
        (500, b'{"statusCode": "2023"}'),
        (503, b'{"errorCode": "503"}'),
        (429, b'{"errorCode": "2023"}'),
        (200, b"\xff\xfe"),
        (200, b"[" * 100_000),
    ],
)
def test_what_says_nothing(status: int, body: bytes) -> None:
    with pytest.raises(NoAnswer):
        read_answer(status, body)


def test_an_answer_hides_what_it_holds() -> None:
    assert "0177" not in repr(read(200, statusCode="0000", customerMsisdn="01770618575"))


async def test_notes() -> None:
    notes = Notes(MemoryDocuments(state := MemoryState(), "bkash"))
    assert await notes.agreement("u1") is None
    await notes.keep_agreement("u1", "A1")
    await notes.drop_agreement("u1", "A0")
    assert await notes.agreement("u1") == "A1"
    await notes.drop_agreement("u1", "A1")
    assert await notes.agreement("u1") is None
    first, second = ByAgreement("S1"), ByAgreement("S2", "https://page", True)
    assert await notes.keep_by_agreement("p1", first) == first
    assert await notes.keep_by_agreement("p1", second) == first
    asked = {"r1": Asked(100, ["T1"], 5)}
    stored, nothing = await notes.asked("p1")
    assert nothing == {}
    assert await notes.keep_asked("p1", stored, asked)
    assert not await notes.keep_asked("p1", stored, {})
    assert (await notes.asked("p1"))[1] == asked
    state.documents["bkash", "agreement:u1"] = b"?"
    with pytest.raises(StoreCorrupt):
        await notes.agreement("u1")
