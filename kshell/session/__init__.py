"""The session: who sends, where, and with which variables. It is the only path to a ``Request``."""
