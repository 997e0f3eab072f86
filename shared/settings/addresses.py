"""What is taken for an address, in settings."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine, by its literal name or address; nothing is resolved."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secure_url(value: str) -> str:
    """The URL without a final slash; `ValueError` where it is neither https nor this machine's loopback address."""
    if value and not value.startswith("https://") and not (value.startswith("http://") and is_loopback(value)):
        raise ValueError("must be https; plain http is accepted for this machine's loopback address only")
    return value.rstrip("/")


def parts_of(value: object) -> object:
    """A comma separated text as a tuple; anything else as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _origin(value: str) -> str:
    url = secure_url(value)
    if not re.fullmatch(r"https?://[a-z0-9.\[\]:-]+", url):
        form = "scheme://host or scheme://host:port, in lower case, without wildcards"
        raise ValueError(f"takes origins, each exactly {form}")
    return url


Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(parts_of)]
