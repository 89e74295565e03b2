"""Stand-ins that ship and say that they are: a WebUI and a RunPod platform."""
