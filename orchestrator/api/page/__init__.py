"""The pages that people look at: three of them, made of templates and scripts of our own; nothing is built."""
