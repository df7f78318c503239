"""A line's words, the expressions in them, and what is wrong with an expression."""
