"""Who is asking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Authenticator(Protocol):
    """Who is asking."""

    def user_of(self, headers: Mapping[str, str]) -> str:
        """The id of the user whom the headers of a request prove; header names are of any case.

        `Unauthenticated` where they prove nobody, `IdentityKeysUnavailable` where nobody can tell now.
        """
        ...
