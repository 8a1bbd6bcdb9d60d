"""Tools that personas may call. A file here with a module-level ``TOOL`` adds one."""
