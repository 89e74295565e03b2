"""What supervisord calls: the keeper, the watchdog, the launcher and the plugins."""
