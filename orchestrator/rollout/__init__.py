"""A staged rollout, decided from values: guard, bounds, tallies, moves. Pure; every transition has its reason.

``decide`` says what a rollout does next, ``moved`` what becomes of its status, ``steering`` which jobs run how,
``counted`` what an ended job adds to the tallies, and ``replay`` decides it all once more from the ledger.

Nothing is imported here: a producer, whose store counts what a rollout asks for, loads ``tally`` alone.
"""
