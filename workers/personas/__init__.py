"""Prompt in, parsed output out: thesis, antithesis and synthesis behind one protocol. No Celery, no Redis."""
