"""From the plan to a supervisord configuration."""
