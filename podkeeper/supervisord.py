"""The one door to supervisord."""
