"""A request is sent and becomes an exchange; cassettes keep exchanges; an exchange as text and as JSON."""
