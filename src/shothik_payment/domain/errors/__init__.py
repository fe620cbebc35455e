"""Everything the domain refuses or cannot do.

One root. A leaf holds the facts as fields and words itself; `code` is the stable name that clients
rely on. How an error travels (HTTP status, exit code) is the entrypoint's business.
"""

from shothik_payment.domain.errors.api_keys import ApiKeyExpired, ApiKeyRevoked, ApiKeyRotated
from shothik_payment.domain.errors.credits import (
    AlreadyReversed,
    BlockingHold,
    CaptureExceedsHold,
    HoldClosed,
    HoldExpired,
    InsufficientCredits,
    LimitReached,
    NotReversible,
    ReversalExceedsTransaction,
    UserFrozen,
)
from shothik_payment.domain.errors.payments import (
    GatewayRefused,
    PartialRefundUnsupported,
    PaymentNotOpen,
    PaymentNotRefundable,
    RefundExceedsPayment,
    RefundInProgress,
)
from shothik_payment.domain.errors.requests import (
    Conflict,
    FieldProblem,
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    MissingScope,
    NotFound,
    OfKey,
    PayloadTooLarge,
    RateLimited,
    RefusedUse,
    Unauthenticated,
    WrongService,
)
from shothik_payment.domain.errors.root import (
    InWords,
    PaymentServiceError,
    loggable,
)
from shothik_payment.domain.errors.service import (
    CallUnderWay,
    DependencyUnavailable,
    Misconfigured,
    StoreCorrupt,
    StoreUnavailable,
    Unavailable,
)
from shothik_payment.domain.errors.subscriptions import (
    NoSubscription,
    NotInThisStatus,
    PlanLimitReached,
    ServiceNotInPlan,
    SubscriptionExists,
    SubscriptionPaymentOpen,
)

__all__ = [
    "AlreadyReversed",
    "ApiKeyExpired",
    "ApiKeyRevoked",
    "ApiKeyRotated",
    "BlockingHold",
    "CallUnderWay",
    "CaptureExceedsHold",
    "Conflict",
    "DependencyUnavailable",
    "FieldProblem",
    "Forbidden",
    "GatewayRefused",
    "HoldClosed",
    "HoldExpired",
    "IdempotencyKeyReused",
    "InWords",
    "InsufficientCredits",
    "InvalidRequest",
    "LimitReached",
    "Misconfigured",
    "MissingScope",
    "NoSubscription",
    "NotFound",
    "NotInThisStatus",
    "NotReversible",
    "OfKey",
    "PartialRefundUnsupported",
    "PayloadTooLarge",
    "PaymentNotOpen",
    "PaymentNotRefundable",
    "PaymentServiceError",
    "PlanLimitReached",
    "RateLimited",
    "RefundExceedsPayment",
    "RefundInProgress",
    "RefusedUse",
    "ReversalExceedsTransaction",
    "ServiceNotInPlan",
    "StoreCorrupt",
    "StoreUnavailable",
    "SubscriptionExists",
    "SubscriptionPaymentOpen",
    "Unauthenticated",
    "Unavailable",
    "UserFrozen",
    "WrongService",
    "loggable",
]
