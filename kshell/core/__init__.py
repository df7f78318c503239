"""The data types, the errors, and text for a terminal. Nothing here does I/O."""
