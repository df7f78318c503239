"""Parse curl commands: split them into words for each shell, read their options, find faults, and convert them to scripts."""
