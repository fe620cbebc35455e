"""A payment gateway that moves no money, for development and tests."""
