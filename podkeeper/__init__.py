"""podkeeper keeps a GPU inference worker up."""
