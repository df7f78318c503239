"""Files found and written safely: pods, accounts, keys, trust, preferences."""
