"""The password in the URL stays there."""

from __future__ import annotations

import logging

import pytest

from shothik_payment.adapters.rabbitmq import RabbitConnection, RabbitEventBroker, RabbitHealth
from shothik_payment.domain.errors import Misconfigured, Unavailable
from tests.support.published import stop
from tests.support.servers.rabbitmq import RabbitServer, VirtualHost

SECRET = "hunter2-and-more"


async def test_neither_log_nor_error_nor_repr_says_the_password(
    rabbitmq_server: RabbitServer, virtual_host: VirtualHost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    urls = [
        rabbitmq_server.url(virtual_host.name, SECRET),
        f"amqp://service:{SECRET}@127.0.0.1:1/",
        f"amqp://service:{SECRET}@no-such-host.invalid/",
        rabbitmq_server.url("no such host"),
        virtual_host.url,
    ]
    told = []
    for url in urls:
        connection = RabbitConnection(url)
        told.append(repr(connection))
        await connection.open()
        try:
            await RabbitEventBroker(connection).publish([stop()])
        except Unavailable as error:
            told += [repr(error), str(error), repr(error.__cause__), str(error.__cause__)]
        await connection.close()
    assert len(told) == len(urls) + 4 * 4
    said = "\n".join([*told, caplog.text])
    assert SECRET not in said
    assert rabbitmq_server.password not in said
    assert "pika" in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        f"amqp://service:{SECRET}@host:port/",
        f"amqp://service:{SECRET}@host:99999999/",
        f"http://service:{SECRET}@host/",
        f"amqp://service:{SECRET}@[host/",
        f"amqp:/{SECRET}",
        f"amqp://service:12/{SECRET}@host:5672/",
        f"amqp://service?x:{SECRET}@host:5672/",
        f"amqp://service#x:{SECRET}@host:5672/",
        SECRET,
        "",
    ],
)
def test_a_wrong_url_is_told_without_saying_it(url: str) -> None:
    with pytest.raises(Misconfigured) as raised:
        RabbitConnection(url)
    assert raised.value.where == "RABBITMQ_URL"
    assert SECRET not in str(raised.value) + repr(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@pytest.mark.parametrize("path", ["a%40b", "v?name=pay%40host", ""])
def test_what_is_percent_encoded_is_taken(path: str) -> None:
    assert repr(RabbitConnection(f"amqp://u:p%40%2F@h:1/{path}")) == "RabbitConnection(h:1)"


async def test_the_default_virtual_host_is_meant_by_each_of_its_spellings(
    rabbitmq_server: RabbitServer,
) -> None:
    url = rabbitmq_server.url("/")
    for spelled in (url, url.removesuffix("%2F"), url.removesuffix("/%2F")):
        connection = RabbitConnection(spelled)
        await RabbitHealth(connection).ping()
        await connection.close()


async def test_readiness_tells_anyone_that_it_is_away_and_operators_where() -> None:
    with pytest.raises(Unavailable, match="127") as away:
        await RabbitHealth(RabbitConnection("amqp://service:pw@127.0.0.1:1/")).ping()
    assert away.value.message == "The message broker is away."
    assert "127" not in str(away.value.details())


async def test_a_wrong_password_is_told_as_one(
    rabbitmq_server: RabbitServer, virtual_host: VirtualHost
) -> None:
    connection = RabbitConnection(rabbitmq_server.url(virtual_host.name, SECRET))
    with pytest.raises(Unavailable, match="refuses the user of RABBITMQ_URL, or its password"):
        await RabbitHealth(connection).ping()
    await connection.close()
