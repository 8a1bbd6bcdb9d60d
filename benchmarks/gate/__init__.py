"""How well the Evidence Gate does its work: ``make bench-gate``."""
