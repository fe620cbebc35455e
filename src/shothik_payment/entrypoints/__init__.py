"""What drives the domain: HTTP, the command line, background work; and the wiring."""
