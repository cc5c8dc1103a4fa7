"""What a request tells about itself behind reverse proxies: address, scheme, origin."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp import web

from rtc_server.config import Settings

SETTINGS = web.AppKey("settings", Settings)

MAX_FORWARDED_HOPS = 16


def client_address(request: web.Request) -> IPv4Address | IPv6Address | None:
    """The address the request came from. ``X-Forwarded-For`` counts only as far as trusted proxies wrote it."""
    peer = _peer(request)
    if peer is None or not _trusted(request, peer):
        return peer
    hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    for hop in reversed(hops[-MAX_FORWARDED_HOPS:]):
        try:
            address = ip_address(hop.strip())
        except ValueError:
            return peer
        if not _trusted(request, address):
            return address
        peer = address
    return peer


def limit_key(request: web.Request) -> str:
    """Who a rate is counted for: an IPv4 address, or an IPv6 /64, which is what one household has."""
    address = client_address(request)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False).network_address)
    return str(address)


def is_loopback(request: web.Request) -> bool:
    """Whether the other end of the connection is this machine and spoke for nobody else."""
    peer = _peer(request)
    return peer is not None and peer.is_loopback and "X-Forwarded-For" not in request.headers


def is_secure(request: web.Request) -> bool:
    """Whether the browser speaks TLS, to us or to a trusted proxy."""
    if request.secure:
        return True
    peer = _peer(request)
    return (
        peer is not None
        and _trusted(request, peer)
        and request.headers.get("X-Forwarded-Proto", "").strip().lower() == "https"
    )


def own_origin(request: web.Request) -> str:
    """The origin of our own pages as the browser sees it."""
    public = request.app[SETTINGS].public_url
    if public:
        return public
    scheme = "https" if is_secure(request) else "http"
    return f"{scheme}://{request.host}".lower()


def _peer(request: web.Request) -> IPv4Address | IPv6Address | None:
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport is not None else None
    if not peer:
        return None
    try:
        address = ip_address(str(peer[0]).split("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _trusted(request: web.Request, address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in request.app[SETTINGS].trusted_proxies)
