"""Which addresses of the network may be asked for something on a client's behalf. Pure.

A server that fetches what it is told to stands inside the operator's network: only addresses that anybody could
ask themselves are allowed.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_SIX_TO_FOUR = IPv6Network("2002::/16")
_COMPATIBLE = IPv6Network("::/96")
_NEVER = tuple(
    ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # looks public, and answers for the machine's own cloud
        *("::/127", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8", "2001::/23", "5f00::/16", "100::/64"),
    )
)


def is_public(address: str) -> bool:
    """Whether anybody can reach it. An address with a zone, or none at all, is not public."""
    try:
        return _is_public(ip_address(address))
    except ValueError:
        return False


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if (inner := _inside(address)) is not None:
            return _is_public(inner)
    known = any(address in block for block in _NEVER if block.version == address.version)
    return address.is_global and not known


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a gateway on the way would make of it."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    if any(address in block for block in _NAT64) or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
