"""Asking: one question from the documents to its answer, at once or through a fleet."""
