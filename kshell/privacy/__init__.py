"""What is private (a key, a code, a phone number), how it is masked, and whether a text leaks it."""
