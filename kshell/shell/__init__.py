"""The shell: a prompt, a line, what it came to, and again. The one door to prompt_toolkit.

``loop`` reads and runs lines; ``status`` says what prompt and toolbar show; ``completer`` offers what the commands' own
definitions know; ``history`` keeps lines without secrets; ``outlets`` are the pipe or the file a line ends in.
"""
