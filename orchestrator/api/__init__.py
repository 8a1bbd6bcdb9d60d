"""The HTTP API: what ``triptych serve`` opens. JSON for programs, event streams, and what the page is made from.

It decides nothing of its own: a request becomes a call of the client, an answer a message of the contracts.
"""
