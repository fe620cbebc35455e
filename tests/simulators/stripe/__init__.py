"""A Stripe of the tests' own, over real HTTP."""

from tests.simulators.stripe.simulator import Fault, Simulator

__all__ = ["Fault", "Simulator"]
