"""What every way of proving who asks has in common, and the way that proves nothing: one's own machine."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shared.errors import Unauthenticated

LOCAL_USER = "x-local-user"

_USER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+|=-]{0,127}")


def user_id(value: object) -> str:
    """`value` where it is an id that may go into documents, hashes and log lines; else `Unauthenticated`."""
    if not isinstance(value, str) or not _USER_ID.fullmatch(value):
        raise Unauthenticated(reason="the user's id has characters that we do not take")
    return value


def only_header(headers: Mapping[str, str], name: str) -> str | None:
    """The value of the header `name`, None where it is not there; `Unauthenticated` where it is there twice."""
    values = [value for key, value in headers.items() if key.lower() == name]
    if len(values) > 1:
        raise Unauthenticated(reason=f"the header {name} was sent more than once")
    return values[0] if values else None


class LocalAuthenticator:
    """Fulfils `Authenticator` by believing: whoever says nothing is the machine's own user."""

    def __init__(self, local_user: str) -> None:
        """`local_user` is who asks where no X-Local-User header says otherwise."""
        self._local_user = local_user

    def user_of(self, headers: Mapping[str, str]) -> str:
        """Whom the X-Local-User header names."""
        return user_id(only_header(headers, LOCAL_USER) or self._local_user)
