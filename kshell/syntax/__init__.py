"""Split a line into words, evaluate its expressions, and explain their errors."""
