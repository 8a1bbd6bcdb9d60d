"""What producers and operators need: contracts, decisions, the store, the canvas and the command line.

Nothing here imports :mod:`workers`, and this file imports nothing: a producer pays only for what it uses.
"""

__version__ = "0.1.0"
