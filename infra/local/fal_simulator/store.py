"""The simulator's memory in one SQLite file, committed before it is answered: kill -9 loses nothing."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.local.fal_simulator.plans import FaultPlan, PlanRule, rule_from_json, rule_to_json
from infra.local.fal_simulator.runs import Run, run_from_json, run_to_json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
  request_id TEXT PRIMARY KEY, file_token TEXT UNIQUE, accepted_at REAL, record TEXT);
CREATE TABLE IF NOT EXISTS rules (id INTEGER PRIMARY KEY, record TEXT);
CREATE TABLE IF NOT EXISTS deliveries (id INTEGER PRIMARY KEY, request_id TEXT, record TEXT);
CREATE TABLE IF NOT EXISTS submissions (id INTEGER PRIMARY KEY, record TEXT);
CREATE TABLE IF NOT EXISTS counters (request_id TEXT, name TEXT, n INTEGER, PRIMARY KEY (request_id, name));
"""
_TABLES = ("runs", "rules", "deliveries", "submissions", "counters")


@dataclass(frozen=True)
class DeliveryAttempt:
    """One sending of a webhook: `status_code` is None where no answer came and `error` says why."""

    attempt: int
    gateway_request_id: str
    sent_at: float
    ended_at: float
    status_code: int | None
    error: str | None = None
    permanent: bool = False

    @property
    def delivered(self) -> bool:
        """Only a 2xx is a success (fal.md §2)."""
        return self.status_code is not None and 200 <= self.status_code < 300


class Store:
    """Runs, plans, deliveries and counters; safe to call from several threads."""

    def __init__(self, data_dir: Path) -> None:
        """Open the database under `data_dir`, making both if need be."""
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self._lock = threading.RLock()
        path = data_dir / "simulator.sqlite3"
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # Enough for a killed process; only a power cut could lose the last commits.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, parameters).fetchall()

    def add_run(self, run: Run) -> None:
        """Accept a run."""
        with self._transaction() as db:
            values = (run.request_id, run.file_token, run.accepted_at, run_to_json(run))
            db.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", values)

    def run(self, request_id: str) -> Run | None:
        """The run with this id."""
        rows = self._rows("SELECT record FROM runs WHERE request_id = ?", request_id)
        return run_from_json(rows[0][0]) if rows else None

    def run_by_file_token(self, token: str) -> Run | None:
        """The run whose files have this folder."""
        rows = self._rows("SELECT record FROM runs WHERE file_token = ?", token)
        return run_from_json(rows[0][0]) if rows else None

    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        return [run_from_json(row[0]) for row in self._rows("SELECT record FROM runs ORDER BY accepted_at, rowid")]

    def update_run(self, request_id: str, change: Callable[[Run], Run]) -> Run:
        """Read, change and write in one transaction; raises KeyError after a reset."""
        with self._transaction() as db:
            row = db.execute("SELECT record FROM runs WHERE request_id = ?", (request_id,)).fetchone()
            if row is None:
                raise KeyError(request_id)
            run = change(run_from_json(row[0]))
            db.execute("UPDATE runs SET record = ? WHERE request_id = ?", (run_to_json(run), request_id))
            return run

    def add_rule(self, rule: PlanRule) -> None:
        """Add a plan behind those that are there."""
        with self._transaction() as db:
            db.execute("INSERT INTO rules (record) VALUES (?)", (json.dumps(rule_to_json(rule)),))

    def rules(self) -> list[PlanRule]:
        """The plans that can still apply, in their order."""
        return [rule for _, rule in self._rules()]

    def _rules(self) -> list[tuple[int, PlanRule]]:
        rows = self._rows("SELECT id, record FROM rules ORDER BY id")
        return [(row[0], rule_from_json(json.loads(row[1]))) for row in rows]

    def clear_rules(self) -> None:
        """Forget all plans; requests keep the ones they were given."""
        with self._transaction() as db:
            db.execute("DELETE FROM rules")

    def take_plan(self, endpoint: str, given: dict[str, Any]) -> FaultPlan:
        """Use the first plan that fits this submit, or the plan without faults."""
        with self._transaction() as db:
            for rule_id, rule in self._rules():
                if rule.times == 0 or not rule.match.fits(endpoint, given):
                    continue
                record = json.dumps(rule_to_json(rule.used_once()))
                db.execute("UPDATE rules SET record = ? WHERE id = ?", (record, rule_id))
                return rule.plan
        return FaultPlan()

    def count(self, request_id: str, name: str) -> int:
        """Count one more of `name` for a request and say how many that makes."""
        with self._transaction() as db:
            statement = """INSERT INTO counters VALUES (?, ?, 1)
                ON CONFLICT (request_id, name) DO UPDATE SET n = n + 1 RETURNING n"""
            return int(db.execute(statement, (request_id, name)).fetchall()[0][0])

    def counters(self, request_id: str) -> dict[str, int]:
        """How often each thing was asked for."""
        return dict(self._rows("SELECT name, n FROM counters WHERE request_id = ?", request_id))

    def add_delivery(self, request_id: str, attempt: DeliveryAttempt) -> None:
        """Remember a sending of a webhook."""
        with self._transaction() as db:
            record = json.dumps(asdict(attempt))
            db.execute("INSERT INTO deliveries (request_id, record) VALUES (?, ?)", (request_id, record))

    def deliveries(self, request_id: str) -> list[DeliveryAttempt]:
        """Every sending of a request's webhook, oldest first."""
        rows = self._rows("SELECT record FROM deliveries WHERE request_id = ? ORDER BY id", request_id)
        return [DeliveryAttempt(**json.loads(row[0])) for row in rows]

    def add_submission(self, record: dict[str, Any]) -> None:
        """Remember a POST that asked for a run, accepted or not."""
        with self._transaction() as db:
            db.execute("INSERT INTO submissions (record) VALUES (?)", (json.dumps(record),))

    def submissions(self) -> list[dict[str, Any]]:
        """Every POST that asked for a run, oldest first."""
        return [json.loads(row[0]) for row in self._rows("SELECT record FROM submissions ORDER BY id")]

    def reset(self) -> None:
        """Forget everything but the signing keys."""
        with self._transaction() as db:
            for table in _TABLES:
                db.execute(f"DELETE FROM {table}")
        shutil.rmtree(self.data_dir / "files", ignore_errors=True)
