"""A bKash to test against: the merchant's API, the payer, the portal and SNS, over real HTTP."""

from tests.simulators.bkash.simulator import CREDENTIALS, TOPIC, Credentials, Request, Simulator

__all__ = ["CREDENTIALS", "TOPIC", "Credentials", "Request", "Simulator"]
