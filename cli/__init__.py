"""The command `growth`: a module for each group of commands, as `growth --help` shows them."""
