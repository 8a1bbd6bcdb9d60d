"""The command line: a folder for each thing that people do, a file for each command, imports where they are used.

``--help`` is quick because what a command needs is imported when it runs.
"""
