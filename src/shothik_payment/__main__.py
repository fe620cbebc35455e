"""`python -m shothik_payment` is the `shothik-payment` command."""

from shothik_payment.entrypoints.cli import main

if __name__ == "__main__":
    main()
