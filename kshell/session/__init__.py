"""Who sends, where, with which variables: the one path from what was typed to a ``Request``."""
