"""The SQLite file of the embedded backend: connections, transactions and the schema."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import DatabaseUnavailable, Unavailable
from shared.models import name_key

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS shoots (
    id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, created_at INTEGER NOT NULL, document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS shoots_of_owner ON shoots (owner_id, created_at DESC, id);
CREATE TABLE IF NOT EXISTS trainings (
    id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    status TEXT NOT NULL, unfinished INTEGER NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS trainings_of_owner ON trainings (owner_id, created_at DESC, id);
CREATE INDEX IF NOT EXISTS trainings_of_owner_by_status ON trainings (owner_id, status, created_at DESC, id);
CREATE INDEX IF NOT EXISTS unfinished_trainings ON trainings (updated_at, id) WHERE unfinished;
CREATE INDEX IF NOT EXISTS watched_trainings ON trainings (updated_at, id)
    WHERE json_extract(document, '$.attention') = 'watched';
CREATE INDEX IF NOT EXISTS trainings_by_status ON trainings (status, updated_at DESC, id DESC);
CREATE TABLE IF NOT EXISTS image_jobs (
    id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    status TEXT NOT NULL, unfinished INTEGER NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS image_jobs_of_owner ON image_jobs (owner_id, created_at DESC, id);
CREATE INDEX IF NOT EXISTS image_jobs_of_model
    ON image_jobs (owner_id, json_extract(document, '$.model_id'), created_at DESC, id);
CREATE INDEX IF NOT EXISTS image_jobs_of_group
    ON image_jobs (owner_id, json_extract(document, '$.group_id'), created_at DESC, id);
CREATE INDEX IF NOT EXISTS unfinished_image_jobs ON image_jobs (updated_at, id) WHERE unfinished;
CREATE INDEX IF NOT EXISTS watched_image_jobs ON image_jobs (updated_at, id)
    WHERE json_extract(document, '$.attention') = 'watched';
CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS models (
    id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, created_at INTEGER NOT NULL, document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS models_of_owner ON models (owner_id, created_at DESC, id);
CREATE TABLE IF NOT EXISTS version_numbers (
    name_key TEXT NOT NULL, training_id TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (name_key, training_id), UNIQUE (name_key, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS erasures (
    id TEXT PRIMARY KEY, owner_id TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    open INTEGER NOT NULL, document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS erasures_of_owner ON erasures (owner_id, created_at DESC, id);
CREATE INDEX IF NOT EXISTS open_erasures ON erasures (updated_at, id) WHERE open;
CREATE TABLE IF NOT EXISTS stories (
    id TEXT PRIMARY KEY, training_id TEXT NOT NULL, at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS stories_of_training ON stories (training_id, at DESC, id DESC);
CREATE INDEX IF NOT EXISTS stories_by_expiry ON stories (expires_at);
CREATE TABLE IF NOT EXISTS notices (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, subscription TEXT NOT NULL, topic TEXT NOT NULL, data BLOB NOT NULL,
    published_at REAL NOT NULL, due_at REAL NOT NULL, attempt INTEGER NOT NULL DEFAULT 0,
    leased INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0, last_error TEXT NOT NULL DEFAULT '',
    attributes TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS live_messages ON messages (subscription, due_at, id) WHERE NOT dead;
CREATE INDEX IF NOT EXISTS dead_messages ON messages (id) WHERE dead;
COMMIT;
"""

_PAUSE_S = 0.02


class Database:
    """One SQLite file in WAL mode, shared by the threads of this process and by other processes.

    What was committed survives kill -9 and a power cut. The file and its tables appear on first use. Every
    connection is used by one thread at a time and kept for the next one. `close` closes the idle ones; the
    next use opens anew. A process that forks makes a `Database` of its own.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float = 10.0) -> None:
        """Use the file at `path`; waiting for other writers takes at most `busy_timeout_s`."""
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._idle: list[sqlite3.Connection] = []
        self._prepared = False
        # SQLite's own waiting is polling; within the process a lock hands over at once
        self._writing = threading.Lock()
        self._preparing = threading.Lock()

    @contextmanager
    def reading(self, unavailable: type[Unavailable] = DatabaseUnavailable) -> Iterator[sqlite3.Connection]:
        """A connection to read from; `sqlite3` errors become `unavailable`."""
        with _translated(unavailable), self._connection() as connection:
            yield connection

    @contextmanager
    def writing(self, unavailable: type[Unavailable] = DatabaseUnavailable) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock: committed when the block ends, rolled back when it raises.

        `sqlite3` errors, and waiting in vain for the lock, become `unavailable`. Not to be nested.
        """
        with self._alone(unavailable), _translated(unavailable), self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def forget_deleted(self) -> None:
        """What was deleted is not to be read in the file or in the log beside it any more.

        Takes a moment, in which nobody writes. `DatabaseUnavailable` where somebody else writes, or still reads what
        was there before, for longer than `busy_timeout_s`: then it is left to the next call.
        """
        with self._alone(DatabaseUnavailable), _translated(DatabaseUnavailable), self._connection() as connection:
            deadline = time.monotonic() + self._busy_timeout_s
            # secure_delete has blanked it in the newest pages alone: older ones are in the log, and in the file itself
            while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                # SQLite waits for readers, but not for another process that does the same
                if time.monotonic() > deadline:
                    raise DatabaseUnavailable(reason="somebody still reads what was deleted")
                time.sleep(_PAUSE_S)

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    @contextmanager
    def _alone(self, unavailable: type[Unavailable]) -> Iterator[None]:
        if not self._writing.acquire(timeout=self._busy_timeout_s):
            raise unavailable(reason="another writer holds the database")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._opened()
        try:
            yield connection
        except sqlite3.Error:
            connection.close()
            raise
        except BaseException:
            self._idle.append(connection)
            raise
        else:
            self._idle.append(connection)

    def _opened(self) -> sqlite3.Connection:
        with self._preparing:
            if not self._prepared:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self._path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA synchronous = FULL")
                # what is erased does not stay readable in the file's free pages
                connection.execute("PRAGMA secure_delete = ON")
                if not self._prepared:
                    self._prepare(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(_SCHEMA)
                _add_what_older_files_lack(connection)
                self._prepared = True
                return
            except sqlite3.OperationalError:
                # two processes start at once: changing the journal mode does not wait, whatever the timeout
                if time.monotonic() > deadline:
                    raise
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                time.sleep(_PAUSE_S)


def _add_what_older_files_lack(connection: sqlite3.Connection) -> None:
    columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(messages)")}
    if "attributes" not in columns:
        connection.execute("ALTER TABLE messages ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}'")
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'model_versions'").fetchone():
        _forget_whose_versions(connection)


def _forget_whose_versions(connection: sqlite3.Connection) -> None:
    """Older files keep numbers by the person's id; they stay, under a hash of it."""
    connection.execute("BEGIN IMMEDIATE")
    rows = connection.execute("SELECT person_id, name, training_id, version FROM model_versions").fetchall()
    hashed = [(name_key(person_id, name), training_id, version) for person_id, name, training_id, version in rows]
    connection.executemany("INSERT OR IGNORE INTO version_numbers VALUES (?, ?, ?)", hashed)
    connection.execute("DROP TABLE model_versions")
    connection.execute("COMMIT")


@contextmanager
def _translated(unavailable: type[Unavailable]) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        # an OSError's own text would name the path
        raise unavailable(reason=getattr(error, "strerror", None) or str(error)) from error
