"""What may be lost, in Redis: finished answers, rate limits, locks, tokens."""

from shothik_payment.adapters.redis.answer_cache import RedisAnswerCache
from shothik_payment.adapters.redis.connection import RedisConnection
from shothik_payment.adapters.redis.health import RedisHealth
from shothik_payment.adapters.redis.rate_limiter import RedisRateLimiter
from shothik_payment.adapters.redis.shared_lock import RedisSharedLock
from shothik_payment.adapters.redis.shared_values import RedisSharedValues

__all__ = [
    "RedisAnswerCache",
    "RedisConnection",
    "RedisHealth",
    "RedisRateLimiter",
    "RedisSharedLock",
    "RedisSharedValues",
]
