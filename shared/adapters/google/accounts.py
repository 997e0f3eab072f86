"""Accounts in Cloud Firestore."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

from shared.accounts import Account
from shared.adapters.google.documents import Documents, Patience
from shared.errors import NotFound

if TYPE_CHECKING:
    from google.cloud.firestore import Client


class FirestoreAccounts:
    """What users have reserved and spent."""

    def __init__(self, client: Client, *, patience: Patience | None = None) -> None:
        """Keep them in the collection `accounts`, under a hash of the owner's id."""
        self._documents = Documents(client, "accounts", Account, missing=NotFound, patience=patience)

    def get(self, owner_id: str) -> Account:
        """The owner's account; an empty one where nothing was ever reserved."""
        try:
            return self._documents.get(_account_key(owner_id))
        except NotFound:
            return Account(id=owner_id)

    def update(self, owner_id: str, change: Callable[[Account], Account]) -> Account:
        """Read, apply the pure `change`, write where nobody wrote in between, else again; as for trainings."""
        key = _account_key(owner_id)
        try:
            return self._documents.update(key, change)
        except NotFound:
            # somebody else may create it first: then theirs is changed
            self._documents.create(key, Account(id=owner_id))
            return self._documents.update(key, change)


def _account_key(owner_id: str) -> str:
    return sha256(owner_id.encode()).hexdigest()
