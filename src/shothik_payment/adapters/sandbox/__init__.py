"""A gateway that takes play money, for trying things out where no account exists."""

from shothik_payment.adapters.sandbox.desk import SandboxDesk
from shothik_payment.adapters.sandbox.gateway import SandboxGateway
from shothik_payment.adapters.sandbox.notifier import Notifier
from shothik_payment.adapters.sandbox.session import OUTCOMES, SandboxSession
from shothik_payment.adapters.sandbox.signature import Signer

__all__ = ["OUTCOMES", "Notifier", "SandboxDesk", "SandboxGateway", "SandboxSession", "Signer"]
