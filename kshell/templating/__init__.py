"""The Jinja sandbox, and payload templates: found, described, rendered."""
