"""bKash: tokenized checkout (URL), agreements, refunds v2, and its notifications over AWS SNS."""

from shothik_payment.adapters.bkash.credentials import BkashCredentials
from shothik_payment.adapters.bkash.gateway import BkashGateway

__all__ = ["BkashCredentials", "BkashGateway"]
