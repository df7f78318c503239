"""Private values (keys, codes, phone numbers): find them, mask them, and detect them in a text."""
