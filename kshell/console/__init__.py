"""Define, find, complete and run commands, and print their results."""
