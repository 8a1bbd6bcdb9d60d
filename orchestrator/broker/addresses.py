"""One Redis, as kombu and Celery's result backend spell it: what of Celery's settings depends on its URL."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import quote

from orchestrator.broker import backend
from orchestrator.broker.transport import ALIAS, SENTINEL_ALIAS
from orchestrator.settings.addresses import is_sentinels
from orchestrator.settings.sentinels import Sentinels, parse_sentinels
from orchestrator.store.following import asking


def celery_settings(url: str) -> dict[str, Any]:
    """Celery's settings for this Redis; nothing is connected."""
    if is_sentinels(url):
        return _behind_sentinels(parse_sentinels(url))
    return {
        "broker_url": broker_url(url).replace("redis+", f"{ALIAS}+", 1),
        "broker_transport": ALIAS,
        # kombu knows TLS by the transport's name, and would not check the certificate.
        "broker_use_ssl": {"ssl_cert_reqs": ssl.CERT_REQUIRED} if url.startswith("rediss:") else None,
        "result_backend": f"{backend.__name__}:QuietBackend+{backend_url(url)}",
    }


def broker_url(url: str) -> str:
    """The same server as kombu spells it, for its own transport."""
    if is_sentinels(url):
        return _celerys(parse_sentinels(url))
    return f"redis+socket://{_socket(url)}" if url.startswith("unix://") else url


def transport_options(url: str) -> dict[str, Any]:
    """What kombu's transport has to be told beside the URL."""
    if not is_sentinels(url):
        return {}
    watched = parse_sentinels(url)
    return {
        "sentinels": watched.hosts,
        "master_name": watched.master_name,
        "sentinel_kwargs": asking(watched),
    }


def backend_url(url: str) -> str:
    """The same server as Celery's result backend spells it, which has to be told that certificates count."""
    if url.startswith("unix://"):
        return f"socket://{_socket(url)}"
    if url.startswith("rediss://") and "ssl_cert_reqs" not in url:
        return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=required"
    return url


def _behind_sentinels(watched: Sentinels) -> dict[str, Any]:
    urls = _celerys(watched)
    options = {"master_name": watched.master_name, "sentinel_kwargs": asking(watched)}
    return {
        # One of them: with several kombu would change over to its own transport (transport.SentinelChannel).
        "broker_url": urls.partition(";")[0],
        "broker_transport": SENTINEL_ALIAS,
        "broker_use_ssl": watched.tls,
        "result_backend": f"{backend.__name__}:QuietSentinelBackend+{urls}",
        "redis_backend_use_ssl": watched.tls,
        "result_backend_transport_options": options,
    }


def _celerys(watched: Sentinels) -> str:
    """The sentinels as Celery has them in a URL: each with the login to the primary."""
    login = watched.login
    user = (
        f"{quote(login.get('username', ''), safe='')}:{quote(login['password'], safe='')}@" if login else ""
    )
    hosts = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in watched.hosts)
    return ";".join(f"sentinel://{user}{host}/{watched.database}" for host in hosts)


def _socket(url: str) -> str:
    """A socket's path and query: what redis-py calls ``db`` there, kombu and Celery call ``virtual_host``."""
    path, _, query = url.removeprefix("unix://").partition("?")
    options = [f"virtual_host={o[3:]}" if o.startswith("db=") else o for o in query.split("&") if o]
    return f"{path}?{'&'.join(options)}" if options else path
