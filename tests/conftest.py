"""Servers that tests ask for by name; each is started when first asked for."""

from hypothesis import settings

from tests.support.servers.mongo import mongo_server, own_mongo
from tests.support.servers.rabbitmq import own_rabbitmq, rabbitmq_server, virtual_host
from tests.support.servers.redis import own_redis, redis_server

__all__ = [
    "mongo_server",
    "own_mongo",
    "own_rabbitmq",
    "own_redis",
    "rabbitmq_server",
    "redis_server",
    "virtual_host",
]

# How long an example takes says something of the machine only.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")
