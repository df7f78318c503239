"""Find, read and write the files of a user safely: pods, accounts, API keys, trust, preferences."""
