"""Act: each action touches the world once and returns an outcome."""
