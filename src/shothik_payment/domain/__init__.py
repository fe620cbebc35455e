"""The rules of credits, payments and access: standard library only, no I/O, no clock of its own."""
