"""``triptych acl``: the rules of a Redis user for a producer, a worker, an operator or Flower."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer


class RoleName(StrEnum):
    """Whose user it is to be."""

    producer = "producer"
    celery_producer = "celery-producer"
    worker = "worker"
    operator = "operator"
    flower = "flower"


def command(
    role: Annotated[RoleName, typer.Argument(help="Whose user it is to be.")],
    tenant: Annotated[str, typer.Option(help="A producer's tenant.")] = "default",
    name: Annotated[
        str | None, typer.Option(help="The user's name. Default: the role, and the tenant.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read its password; the rules get its SHA-256.")
    ] = False,
) -> None:
    """Print a line for Redis' ACL file (7 or newer, or Valkey). Without a password nobody can log in yet.

    Example: openssl rand -hex 24 | tee acme.password | triptych acl producer --tenant acme --password-stdin
    """
    from pydantic import TypeAdapter, ValidationError

    from orchestrator import acl
    from orchestrator.contracts.base import Tenant
    from orchestrator.errors import InvalidInput

    try:
        TypeAdapter[str](Tenant).validate_python(tenant)
    except ValidationError:
        problem = f"{tenant[:80]!r} is none; use lower-case letters, digits and -, at most 32"
        raise InvalidInput("--tenant", problem) from None
    user = name or (f"{role}-{tenant}" if role is RoleName.producer else role.value)
    if not user.isascii() or not user.isprintable() or any(c in user for c in " :()"):
        raise InvalidInput("--name", "may hold letters, digits and .-_@, no spaces")
    password = sys.stdin.readline().strip() if password_stdin else None
    if password_stdin and not password:
        raise InvalidInput("--password-stdin", "got an empty line; pipe the password in")
    print(f"user {user} {acl.rules(role.value, tenant=tenant, password=password)}")
