"""Accounts in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable

from shared.accounts import Account
from shared.adapters.memory.faults import Faults


class MemoryAccounts:
    """What users have reserved and spent; fulfils `AccountRepository`."""

    def __init__(self, *, faults: Faults | None = None) -> None:
        """Start with none."""
        self.faults = faults or Faults()
        self._accounts: dict[str, Account] = {}
        self._lock = threading.Lock()

    def get(self, owner_id: str) -> Account:
        """The owner's account; an empty one where nothing was ever reserved."""
        with self.faults.around("get"):
            return self._accounts.get(owner_id, Account(id=owner_id))

    def update(self, owner_id: str, change: Callable[[Account], Account]) -> Account:
        """Read, apply, write; see the port."""
        with self.faults.around("update"), self._lock:
            self._accounts[owner_id] = change(self._accounts.get(owner_id, Account(id=owner_id)))
            return self._accounts[owner_id]
