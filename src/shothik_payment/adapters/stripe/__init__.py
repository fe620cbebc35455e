"""Stripe: Checkout for what a payer buys, and charges to the method that they left there."""

from shothik_payment.adapters.stripe.gateway import StripeGateway

__all__ = ["StripeGateway"]
