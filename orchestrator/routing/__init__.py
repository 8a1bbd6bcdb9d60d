"""How a job runs, decided from values: complexity, mode, what to look for. Pure; every choice has a reason.

Nothing is imported here: settings and store use a few names of this room, and would load all languages with them.
"""
