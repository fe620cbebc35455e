"""Verifies bearer tokens, and signs them in development."""
