"""Who ends what takes too much memory: one file each."""
