"""A collection of Cloud Firestore as domain values: one document per value, under the value's own id."""

from __future__ import annotations

import random
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from google.api_core.exceptions import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    GoogleAPIError,
    NotFound,
    RetryError,
    ServiceUnavailable,
)
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore import Query
from google.cloud.firestore_v1.base_query import FieldFilter

from shared import errors
from shared.adapters.paging import Cursor, to_micros
from shared.documents import from_document, to_document
from shared.ports import Page
from shared.shoots import ID_PATTERN

if TYPE_CHECKING:
    from google.cloud.firestore import Client, DocumentReference, DocumentSnapshot, WriteBatch

T = TypeVar("T")

WRITE_MARK = "write_mark"
"""A field that every document has beside its value's."""

MOST_ALTERNATIVES = 30
"""How many values Firestore takes in one `in`."""

MOST_DELETED = 300
"""How many documents are deleted in one commit."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a call may take, in seconds, and how often a conditional write that lost is tried again."""

    call_s: float = 10.0
    list_s: float = 20.0
    attempts: int = 16
    pause_s: float = 0.02
    longest_pause_s: float = 0.5

    def pause(self, attempt: int) -> None:
        """Wait a random while, longer after each attempt, so that those who collided spread out."""
        time.sleep(random.uniform(0.0, min(self.longest_pause_s, self.pause_s * 2.0**attempt)))


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The part of every document that the app may listen to, kept under the same id in a collection of its own.

    Security rules allow a document or deny it; they hide no field.
    """

    collection: str
    fields: tuple[str, ...]


class Documents(Generic[T]):
    """The values of one kind in one collection; `missing` is raised, with the id, where there is none.

    With `shown`, every write of a document writes what is shown of it, in the same commit.

    Every method raises `DatabaseUnavailable` where Firestore refuses or does not answer in time.
    """

    def __init__(
        self,
        client: Client,
        collection: str,
        kind: type[T],
        *,
        missing: type[errors.NotFound],
        shown: Shown | None = None,
        patience: Patience | None = None,
    ) -> None:
        """Nothing is sent before the first call."""
        self._client = client
        self._shown = shown
        self._collection = client.collection(collection)
        self._kind = kind
        self._missing = missing
        self._patience = patience or Patience()
        # idle connections break; a repeated read is harmless and a repeated write recognises itself by its
        # mark
        self._retry = Retry(predicate=if_exception_type(ServiceUnavailable), initial=0.1, timeout=self._patience.call_s)
        self._call: dict[str, Any] = {"retry": self._retry, "timeout": self._patience.call_s}

    def get(self, document_id: str) -> T:
        """The value."""
        return self._value(self._read(document_id))

    def create(self, document_id: str, value: T) -> bool:
        """Write a new document; False, and nothing changed, where there is one."""
        document = _marked(value)
        with _translated():
            try:
                self._commit(document_id, document, lambda batch, there: batch.create(there, document))
            except AlreadyExists:
                return _is_ours(self._read(document_id), document)
        return True

    def update(self, document_id: str, change: Callable[[T], T]) -> T:
        """Read, apply `change`, write where nobody wrote in between, else again; `DatabaseUnavailable` when others keep
        winning.

        Writes nothing where `change` changes nothing. Fields that the value does not have stay in the
        document.
        """
        written: dict[str, Any] = {}
        for attempt in range(self._patience.attempts):
            if attempt:
                self._patience.pause(attempt)
            snapshot = self._read(document_id)
            value = self._value(snapshot)
            if written and _is_ours(snapshot, written):
                return value
            changed = change(value)
            if changed == value:
                return value
            written = _marked(changed)
            if self._replaced(snapshot, written):
                return changed
        raise errors.DatabaseUnavailable(reason="others keep changing the same record")

    def delete(self, document_id: str) -> None:
        """Delete it and what is shown of it, in one commit; no error where there is none."""
        batch = self._client.batch()
        batch.delete(self._collection.document(document_id))
        if self._shown is not None:
            batch.delete(self._client.collection(self._shown.collection).document(document_id))
        with _translated():
            batch.commit(**self._call)

    def delete_where(self, field: str, wanted: str) -> None:
        """Delete all whose `field` is `wanted`, some hundred at a time."""
        query = self._collection.where(filter=FieldFilter(field, "==", wanted)).select([]).limit(MOST_DELETED)
        while found := self._found(query):
            batch = self._client.batch()
            for snapshot in found:
                batch.delete(snapshot.reference)
            with _translated():
                batch.commit(**self._call)

    def page(self, equal: Mapping[str, Any], *, newest: str, limit: int, cursor: str | None) -> Page[T]:
        """Those whose fields equal `equal`, by the time in `newest`, descending, and then by id."""
        query: Query = self._collection.order_by(newest, direction=Query.DESCENDING)
        query = query.order_by("__name__")
        for field, wanted in equal.items():
            query = query.where(filter=FieldFilter(field, "==", wanted))
        if cursor is not None:
            at, document_id = _place(cursor)
            query = query.start_after({newest: at, "__name__": document_id})
        found = self._found(query.limit(limit + 1))
        shown = found[:limit]
        items = tuple(self._value(snapshot) for snapshot in shown)
        if len(found) <= limit:
            return Page(items=items)
        last = shown[-1]
        return Page(items=items, next_cursor=Cursor(to_micros(last.get(newest)), last.id).encode())

    def oldest(self, equal: Mapping[str, str], *, by: str, limit: int, until: datetime | None = None) -> list[T]:
        """Those whose fields equal `equal`, by the time in `by`, ascending; none later than `until`."""
        query: Query = self._collection.order_by(by).limit(limit)
        for field, wanted in equal.items():
            query = query.where(filter=FieldFilter(field, "==", str(wanted)))
        if until is not None:
            query = query.where(filter=FieldFilter(by, "<=", until))
        return [self._value(snapshot) for snapshot in self._found(query)]

    def matching(self, equal: Mapping[str, Any], field: str, any_of: Sequence[str]) -> Iterator[T]:
        """Those whose fields equal `equal` and whose `field` is one of `any_of`, in no order.

        One query for every `MOST_ALTERNATIVES` of `any_of`. Without an order Firestore answers it from its automatic
        single-field indexes.
        """
        for start in range(0, len(any_of), MOST_ALTERNATIVES):
            query = self._collection.where(filter=FieldFilter(field, "in", any_of[start : start + MOST_ALTERNATIVES]))
            for name, wanted in equal.items():
                query = query.where(filter=FieldFilter(name, "==", wanted))
            yield from (self._value(snapshot) for snapshot in self._found(query))

    def _read(self, document_id: str) -> DocumentSnapshot[Any]:
        # what a caller asks for may be no id at all, which Firestore answers with an error of another kind
        if not re.fullmatch(ID_PATTERN, document_id):
            raise self._missing(id=document_id)
        with _translated():
            reference: DocumentReference = self._collection.document(document_id)
            snapshot = reference.get(**self._call)
        if not snapshot.exists:
            raise self._missing(id=document_id)
        return snapshot

    def _replaced(self, snapshot: DocumentSnapshot[Any], document: dict[str, Any]) -> bool:
        """Whether `document` was written over the version that `snapshot` shows."""
        unchanged = self._client.write_option(last_update_time=snapshot.update_time)
        with _translated():
            try:
                self._commit(snapshot.id, document, lambda batch, there: batch.update(there, document, unchanged))
            except (FailedPrecondition, Aborted, NotFound):
                return False
        return True

    def _commit(
        self, document_id: str, document: dict[str, Any], write: Callable[[WriteBatch, DocumentReference], None]
    ) -> None:
        """Do what `write` adds to the batch and show what is shown of `document`, or do neither."""
        batch = self._client.batch()
        write(batch, self._collection.document(document_id))
        if self._shown is not None:
            view = self._client.collection(self._shown.collection).document(document_id)
            batch.set(view, {field: document[field] for field in self._shown.fields})
        batch.commit(**self._call)

    def _found(self, query: Query) -> list[DocumentSnapshot[Any]]:
        with _translated():
            return list(query.get(retry=self._retry, timeout=self._patience.list_s))

    def _value(self, snapshot: DocumentSnapshot[Any]) -> T:
        return from_document(self._kind, _plain(snapshot.to_dict()))


def _marked(value: Any) -> dict[str, Any]:
    """The value's document with a mark of this very write, so that it is recognised when its answer got
    lost."""
    return {**to_document(value), WRITE_MARK: secrets.token_hex(8)}


def _is_ours(snapshot: DocumentSnapshot[Any], document: dict[str, Any]) -> bool:
    return bool((snapshot.to_dict() or {}).get(WRITE_MARK) == document[WRITE_MARK])


def _place(cursor: str) -> tuple[datetime, str]:
    place = Cursor.decode(cursor)
    try:
        at = _EPOCH + timedelta(microseconds=place.at)
    except OverflowError as error:
        raise errors.InvalidRequest(reason="the cursor is none that a listing gave") from error
    if not re.fullmatch(ID_PATTERN, place.id):
        raise errors.InvalidRequest(reason="the cursor is none that a listing gave")
    return at, place.id


def _plain(value: Any) -> Any:
    """`value` with plain datetimes instead of the SDK's subclass, which does not survive copying."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return _EPOCH + timedelta(microseconds=to_micros(value))
    return value


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (GoogleAPIError, GoogleAuthError) as error:
        cause = error.cause if isinstance(error, RetryError) else None
        raise errors.DatabaseUnavailable(reason=type(cause or error).__name__) from error
