"""Judging: one answer by its sources (``gate``), ways of running by their answers (``compare``)."""
