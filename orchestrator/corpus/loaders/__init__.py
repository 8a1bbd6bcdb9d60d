"""One module a file format, each with ``load(data, source) -> Document``."""
