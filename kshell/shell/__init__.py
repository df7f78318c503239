"""The shell: read a line, run it, show its result, until ``exit``. No other room imports prompt_toolkit.

``loop`` reads lines, ``meaning`` understands what other programs taught, ``running`` runs them, and ``redirection`` writes
their output to a program or a file. ``status`` makes the text of prompt and toolbar. ``completer`` completes from the
commands' definitions, ``expression_items`` inside of ``expect``. ``history`` keeps lines without secrets.
"""
