"""The `shothik-payment` command."""

import rich_click as click


@click.group()
@click.version_option(package_name="shothik-payment")
def main() -> None:
    """Run and look after a payment service that sells credits."""
