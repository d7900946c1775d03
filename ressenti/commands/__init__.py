"""One subcommand a file: its arguments, and what it calls on the floors below."""
