"""Who restarts what was killed: one file each."""
