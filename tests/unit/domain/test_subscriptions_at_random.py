"""Random walks of a user with subscriptions: other ones each time; one that fails prints a blob."""

import pytest
from hypothesis import settings

from tests.support.subscription_machine import SubscriptionMachine

WALKS = settings(max_examples=15, stateful_step_count=40, deadline=None, print_blob=True)


class LongMachine(SubscriptionMachine):
    pass


SubscriptionMachine.TestCase.settings = WALKS
LongMachine.TestCase.settings = settings(WALKS, max_examples=500)
# One that fails is made short first, for up to five minutes.
TestSubscriptionMachine = pytest.mark.timeout(600)(SubscriptionMachine.TestCase)
TestMany = pytest.mark.drill(pytest.mark.timeout(1800)(LongMachine.TestCase))
