"""Addresses and networks of callers, IPv4 and IPv6. An IPv4 address that comes as an IPv6 socket
shows it (`::ffff:10.0.0.1`) is the IPv4 address."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")


def network_of(text: str) -> Network:
    """An address, or a network with its prefix; bits behind the prefix are dropped. Raises
    ValueError."""
    network = ip_network(text, strict=False)
    if "%" in text:
        raise ValueError("an interface is one machine's own")
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - _MAPPED.prefixlen))
    return network


def is_within(address: str, networks: Iterable[Network]) -> bool:
    """Whether it is in one of them; what is no address is in none."""
    found = _address_of(address)
    return found is not None and any(found in network for network in networks)


def neighbourhood(address: str) -> str:
    """What stands for one caller: an IPv4 address as it is, of IPv6 the /64, in which a caller
    picks its addresses freely. What is no address is itself."""
    found = _address_of(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((found.packed, 64), strict=False))
    return address if found is None else str(found)


def _address_of(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found
