"""Sells credits, charges them, gives them back, and says so in events."""
