"""Whether a job's input is usable, found out before the WebUI is touched."""
