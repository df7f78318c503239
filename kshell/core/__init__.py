"""The nouns, the errors, and text for a terminal. Nothing here does I/O."""
