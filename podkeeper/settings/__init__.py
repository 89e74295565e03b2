"""What may be set, by whom, and what came of it."""
