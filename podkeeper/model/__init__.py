"""The values that flow from probes to recorders."""
