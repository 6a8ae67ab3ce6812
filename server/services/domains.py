"""Which names the IDE and its previews can have, so that no app's cookie reaches the IDE."""

from ipaddress import ip_address
from typing import Final

_CHOOSE: Final = "choose another domain for previews with HUTCH_PREVIEW_DOMAIN"
_SHARED: Final = frozenset(
    {
        *("ddns.net", "duckdns.org", "dyndns.org", "fly.dev", "github.io", "gitlab.io", "herokuapp.com", "home.arpa"),
        *("hopto.org", "netlify.app", "ngrok.app", "ngrok.io", "ngrok-free.app", "nip.io", "no-ip.org", "onrender.com"),
        *("pages.dev", "sslip.io", "trycloudflare.com", "vercel.app"),
    }
)
"""Domains under which names belong to many people. Browsers know all of them, and keep cookies from spanning one."""


def domain_conflict(host: str, domain: str) -> str | None:
    """Why the IDE can't be at `host` while previews are at `domain`, as a sentence; None when it can.

    An app's page may set cookies for the parents of its host. On one, or below the domain, they would reach the IDE.
    """
    host, domain = host.lower().rstrip("."), domain.lower().rstrip(".")
    if _is_address(host) or ("." not in host and host != domain):
        # Browsers refuse cookies for a name without dots, such as localhost, to names below it.
        return None
    if host == domain or host.endswith("." + domain):
        return f"{host} lies within the previews' domain {domain}, where every name belongs to an app; " + _CHOOSE
    if domain.endswith("." + host):
        return f"previews at {domain} could set cookies for {host}, which is its parent; " + _CHOOSE
    return None


def neighbour_conflict(host: str, domain: str) -> str | None:
    """Why previews at `domain` are too near to an IDE beside them, at `host`; None when they are not.

    For the domain above both an app's page may set cookies that take the place of the IDE's where there is no TLS, and
    with any that fill its requests until they are refused.
    """
    parent = None if _is_address(host) else _shared_parent(host.lower(), domain.lower())
    return parent and f"previews at {domain} could set cookies for {parent}, which reach {host} too; " + _CHOOSE


def _shared_parent(host: str, domain: str) -> str | None:
    """The smallest domain above both for which browsers take cookies, as far as that can be told."""
    common: list[str] = []
    for one, other in zip(reversed(host.split(".")), reversed(domain.split(".")), strict=False):
        if one != other:
            break
        common.insert(0, one)
    parent = ".".join(common)
    # Below a country's domain a short second name is most often as shared as the country's: co.uk, com.au, ac.jp.
    country = len(common) == 2 and len(common[1]) == 2 and len(common[0]) <= 3
    return None if len(common) < 2 or country or parent in _SHARED else parent


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
