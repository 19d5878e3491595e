"""What the constraints on texts accept, read by hand: paths, hosts, addresses, URLs, e-mail addresses, timestamps."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any

from deputize_patterns import glob_matches, is_path, is_url_path
from deputize_values import is_at_or_below

UrlParts = tuple[str, str, int, str]  # scheme, host, port, path
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
MAX_ROOT_BYTES, MAX_DOMAIN = 4096, 253

# Paths --------------------------------------------------------------------------------------------------------------


def is_root(value: str) -> bool:
    return is_path(value) and len(value.encode()) <= MAX_ROOT_BYTES


def path_below(path: str, root: str) -> bool:
    return root == "/" or is_at_or_below(path, root)


# Addresses ----------------------------------------------------------------------------------------------------------


def is_decimal(text: str, most: int) -> bool:
    """Decimal digits without leading zeros."""
    digits = 1 <= len(text) <= len(str(most)) and all(char in "0123456789" for char in text)
    return digits and (text == "0" or text[0] != "0") and int(text) <= most


def read_address(text: str) -> Address | None:
    """An address in canonical form."""
    if ":" not in text:
        parts = text.split(".")
        right = len(parts) == 4 and all(is_decimal(part, 255) for part in parts)
        return IPv4Address(text) if right else None
    if any(char not in "0123456789abcdef:" for char in text):
        return None
    try:
        address = IPv6Address(text)
    except ValueError:
        return None
    return address if str(address) == text and address.ipv4_mapped is None else None


def read_network(text: str) -> Network | None:
    start, slash, length = text.partition("/")
    address = read_address(start)
    if address is None or not slash or not is_decimal(length, address.max_prefixlen):
        return None
    try:
        return ip_network((address, int(length)))
    except ValueError:
        return None


# Not globally reachable by IANA's registries, or multicast, reserved, documentation, benchmarking, 6to4, Teredo, NAT64.
NOT_PUBLIC = [
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/3", "4000::/2", "8000::/1", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
]


def is_public(address: Address) -> bool:
    return not any(address in network for network in NOT_PUBLIC)


# Hosts --------------------------------------------------------------------------------------------------------------

LETTERS, DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
LOCAL_ENDINGS = (".localhost", ".localdomain", ".local", ".internal", ".test", ".invalid", ".onion", ".home.arpa")


def is_domain(text: str) -> bool:
    labels = text.split(".")
    if any(not label or label[0] == "-" or label[-1] == "-" for label in labels):
        return False
    return labels[-1][0] in LETTERS and all(char in LETTERS + DIGITS + "-_." for char in text)


def bracketed(text: str) -> Address | None:
    """The address of a url's host: IPv6 in brackets, IPv4 without."""
    if text.startswith("[") and text.endswith("]"):
        address = read_address(text[1:-1])
        return address if address is not None and address.version == 6 else None
    address = read_address(text)
    return address if address is not None and address.version == 4 else None


def is_host_pattern(text: str, addresses: bool) -> bool:
    if text == "*" or (addresses and bracketed(text) is not None):
        return True
    domain = text.removeprefix("*.")
    return is_domain(domain) and len(domain) <= MAX_DOMAIN


def is_public_pattern(text: str) -> bool:
    """Whether a host of a url may stand beside *public*: names may, addresses only if they are public ones."""
    address = bracketed(text)
    return address is None or is_public(address)


def is_public_name(domain: str) -> bool:
    return "." in domain and not domain.endswith(LOCAL_ENDINGS)


def domain_matches(domain: str, patterns: list[str]) -> bool:
    """Whether a domain, not an address, is one of these."""
    return any(
        pattern in ("*", domain) or (pattern.startswith("*.") and domain.endswith(pattern[1:])) for pattern in patterns
    )


# URLs ---------------------------------------------------------------------------------------------------------------

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
WORDS = "A-Za-z0-9"
AFTER_PATH = re.compile(rf"(?:[{WORDS}\-._~!$&()*+,;=:@/?]|%[0-9A-Fa-f]{{2}})*")


def read_authority(text: str, scheme: str) -> tuple[str, int] | None:
    """The host and port of what stands between `//` and the path."""
    host, colon, digits = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        return text, DEFAULT_PORTS[scheme]
    if not is_decimal(digits, 65535) or int(digits) in (0, DEFAULT_PORTS[scheme]):
        return None
    return host, int(digits)


def read_url(text: str) -> UrlParts | None:
    """The scheme, host, port and path of a canonical URL."""
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in DEFAULT_PORTS:
        return None
    rest, hash_mark, fragment = rest.partition("#")
    rest, question, query = rest.partition("?")
    if any(AFTER_PATH.fullmatch(part) is None for part in (fragment, query)):
        return None
    authority, slash, path = rest.partition("/")
    if not slash and (hash_mark or question):
        return None
    read = read_authority(authority, scheme)
    if read is None or not (is_domain(read[0]) or bracketed(read[0])) or not is_url_path("/" + path):
        return None
    return scheme, *read, "/" + path


def url_accepts(constraint: list[Any], parts: UrlParts) -> bool:
    _, schemes, hosts, ports, pattern, *public = constraint
    scheme, host, port, path = parts
    if scheme not in schemes or not (ports is None or port in ports):
        return False
    if is_domain(host):
        named = domain_matches(host, hosts) and (not public or is_public_name(host))
    else:
        named = host in hosts
    return named and (pattern is None or glob_matches(pattern, path))


# E-mail and timestamps ----------------------------------------------------------------------------------------------

ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+")


def email_accepts(hosts: list[str], text: str) -> bool:
    local, at, domain = text.partition("@")
    if not at or any(ATOM.fullmatch(part) is None for part in local.split(".")):
        return False
    return domain.isascii() and is_domain(domain.lower()) and domain_matches(domain.lower(), hosts)


DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_before(year: int) -> int:
    """Days from the start of the year 0 to the start of this one."""
    past = year - 1
    return 365 * year + (past // 4 - past // 100 + past // 400 + 1)


def read_timestamp(text: str) -> int | None:
    """The instant in nanoseconds since 1970."""
    found = TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, sign, off_hours, off_minutes = found.groups()[6:]
    if not 1 <= month <= 12 or hour > 23 or minute > 59 or second > 59:
        return None
    if not 1 <= day <= DAYS[month - 1] + (month == 2 and is_leap(year)):
        return None
    offset = 0
    if sign:
        if int(off_hours) > 23 or int(off_minutes) > 59 or text.endswith("-00:00"):
            return None
        offset = (int(off_hours) * 60 + int(off_minutes)) * (60 if sign == "+" else -60)
    days = days_before(year) - days_before(1970) + sum(DAYS[: month - 1]) + (month > 2 and is_leap(year)) + day - 1
    seconds = ((days * 24 + hour) * 60 + minute) * 60 + second - offset
    return seconds * 10**9 + int((fraction or "").ljust(9, "0"))
