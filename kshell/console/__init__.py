"""How a command is made, found, completed and run, and the one place that prints."""
