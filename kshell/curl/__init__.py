"""curl commands read back: their words in each shell, their options, their faults, and the script they become."""
