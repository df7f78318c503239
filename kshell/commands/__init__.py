"""The commands, one file for each family. The table ``kshell.syntax.command_table`` lists them."""
