"""What the worker shows over HTTP: metrics and health."""
