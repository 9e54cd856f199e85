"""What follows the collector: settled truth, alerts, notifications, indicators, and the periodic work."""
