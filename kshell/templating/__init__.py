"""The Jinja sandbox, and payload templates."""
