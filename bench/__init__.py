"""Figures: `python -m bench` prints them from one run on one machine."""
