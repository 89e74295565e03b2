"""Judge: pure decisions from values to values."""
