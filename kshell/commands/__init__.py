"""The commands, one file for each family. Each is entered in the table ``kshell.syntax.command_table``."""
