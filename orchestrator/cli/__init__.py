"""The command line. Each command is a file; what it needs is imported when it runs, so that ``--help`` is quick."""
