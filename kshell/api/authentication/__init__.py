"""The endpoint of the page *Send Authentication Template Messages*: its form, fields, rules and answers."""
