"""Record: what happened and why, for people and machines."""
