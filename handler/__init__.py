"""The RunPod worker program."""
