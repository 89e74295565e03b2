"""Who supervises: one file each."""
