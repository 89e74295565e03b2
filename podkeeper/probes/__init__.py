"""Sense: each probe reads one thing of the world and returns a value."""
