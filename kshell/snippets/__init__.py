r"""A request as text for a tool or a language. The text, pasted or run, makes exactly the request that ``send`` makes.

A target is a function registered in ``TARGETS`` of ``catalog``. It gets the ``Request`` and the key to print, or None for a
reference to the account's environment variable. A program has the payload as a literal of its language, so that a reader can
write a variable into it. A command line and a file have JSON, in which a character that cannot be quoted is written ``\uXXXX``.
A target raises ``UsageError`` if its language cannot express the request exactly.
"""
