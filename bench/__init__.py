"""Measurements of podkeeper beside others; each folder is one `make bench-NAME`."""
