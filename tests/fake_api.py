"""A stand-in for the HTTP API and its storage: a real server on a real port, scripted by its attributes."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from functions.api.image_views import images_view
from functions.api.trainers import trainer_view
from shared.stages import Status
from shared.trainers import TRAINERS
from tests.api_documents import (
    CREATED_AT,
    Document,
    a_model,
    a_problem,
    a_quote,
    a_report,
    a_training,
    an_erasure,
    an_erasure_line,
    crc32c,
)
from tests.builders import an_image_job


@dataclass
class Stored:
    """An object behind a signed URL; its first answers are cut after the given numbers of bytes."""

    body: bytes
    cuts: list[int] = field(default_factory=list)
    refusals: int = 0
    ignores_ranges: bool = False
    sent: int = 0


@dataclass
class FakeApi:
    """The state of the stand-in; tests set it up before a command and look at it afterwards.

    `streams` are the connections to the events of each training, in order: what each sends before it closes.
    `slips` are the first answers to a method and path; None carries the request out and closes the connection
    without a word. `quotes` are the questions for a price, `quote_changes` is what is different about the answers;
    `cancel_outcome` is what every cancellation comes to. `settled` is what was done with `letters`; `sweeps` are the
    answers to who asks about one, the last one for ever. Without a `doctor`, a `console`, `letters` or `sweeps` there
    are no such paths.
    """

    url: str = ""
    token: str | None = None
    shoots: dict[str, Document] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    trainings: dict[str, Document] = field(default_factory=dict)
    models: dict[str, Document] = field(default_factory=dict)
    images: dict[str, Document] = field(default_factory=dict)
    storage: dict[str, Stored] = field(default_factory=dict)
    streams: dict[str, list[Iterable[tuple[str, Document]]]] = field(default_factory=dict)
    slips: dict[tuple[str, str], list[tuple[int, Document] | None]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    orders: list[Document] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    resumed_after: list[str | None] = field(default_factory=list)
    storage_headers: list[dict[str, str]] = field(default_factory=list)
    quotes: list[Document] = field(default_factory=list)
    reports: dict[str, Document] = field(default_factory=dict)
    reported: list[tuple[str, str | None]] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)
    checked: list[str] = field(default_factory=list)
    expected_s: Document | None = None
    quote_changes: Document = field(default_factory=dict)
    cancel_outcome: str = "canceled"
    doctor: Document | None = None
    stories: dict[str, Document] = field(default_factory=dict)
    letters: dict[str, Document] | None = None
    settled: list[tuple[str, str]] = field(default_factory=list)
    sweeps: list[Document] = field(default_factory=list)
    lineage: Document = field(default_factory=dict)
    difference: Document = field(default_factory=dict)
    compared: list[tuple[str, str | None]] = field(default_factory=list)
    erasures: dict[str, Document] = field(default_factory=dict)
    people: list[Document] = field(default_factory=list)
    due: Document = field(default_factory=lambda: {"kept_days": None, "items": []})
    console: bool = True
    page_size: int = 100
    lock: threading.Lock = field(default_factory=threading.Lock)

    def shoot(self, shoot_id: str) -> Document:
        """A shoot with its counts, counted."""
        pictures = self.pictures(shoot_id)
        captioned = sum(picture["caption"] is not None for picture in pictures)
        return {**self.shoots[shoot_id], "image_count": len(pictures), "captioned_count": captioned}

    def pictures(self, shoot_id: str) -> list[Document]:
        """The pictures of a shoot as the API shows them."""
        files = self.files[shoot_id]
        found = []
        for name, body in sorted(files.items()):
            stem, _, kind = name.rpartition(".")
            if kind != "txt":
                text = files.get(f"{stem}.txt")
                caption = None if text is None else text.decode()
                shown = {"name": name, "stem": stem, "size": len(body), "crc32c": crc32c(body)}
                found.append({**shown, "caption": caption})
        return found

    def keep_model(
        self, weights: bytes, config: bytes = b"{}", parts: Mapping[str, bytes] | None = None, **fields: Any
    ) -> Document:
        """A model with its weights in the storage; `parts` are all its files where it has several."""
        model = a_model(weights, **fields)
        self.models[model["id"]] = model
        if parts:
            model["files"] = [{**a_model(body)["files"][0], "part": part} for part, body in parts.items()]
        for part, body in (parts or {"": weights}).items():
            self.storage[f"lora{part and '-'}{part}.safetensors"] = Stored(body)
        self.storage["config.json"] = Stored(config)
        return model


class _Handler(BaseHTTPRequestHandler):
    api: FakeApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def do_GET(self) -> None:
        self._dispatch(b"")

    def do_POST(self) -> None:
        self._dispatch(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def do_PATCH(self) -> None:
        self._dispatch(self.rfile.read(int(self.headers["Content-Length"])))

    def do_DELETE(self) -> None:
        self._dispatch(b"")

    def do_PUT(self) -> None:
        self._dispatch(self.rfile.read(int(self.headers["Content-Length"])))

    def _dispatch(self, body: bytes) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/storage/"):
            return self._store(unquote(path.removeprefix("/storage/")))
        slips = self.api.slips.get((self.command, path), [])
        slip = slips.pop(0) if slips else ()
        if slip:
            return self._json(*slip)
        if self.api.token and self.headers.get("Authorization") != f"Bearer {self.api.token}":
            return self._problem(401, "not_allowed", "That is not allowed: say who you are.")
        for method, pattern, answer in _ROUTES:
            found = re.fullmatch(pattern, path)
            if method == self.command and found:
                with self.api.lock:
                    status, document = answer(self, body, *map(unquote, found.groups()))
                if slip is None:
                    self.close_connection = True
                elif status:
                    self._json(status, document)
                return None
        return self._problem(404, "not_found", "There is nothing here.")

    def _json(self, status: int, document: Document) -> None:
        payload = b"" if status == 204 else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/problem+json" if status >= 400 else "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _text(self, text: str, kind: str = "text/plain; charset=utf-8") -> tuple[int, Document]:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())
        return 0, {}

    def _query(self, name: str) -> str | None:
        return parse_qs(urlsplit(self.path).query).get(name, [None])[0]

    def _problem(self, status: int, code: str, detail: str) -> None:
        self._json(status, a_problem(status, code, detail))

    def _page(self, items: list[Document]) -> tuple[int, Document]:
        query = parse_qs(urlsplit(self.path).query)
        start = int(query.get("cursor", ["0"])[0])
        end = start + min(int(query["limit"][0]), self.api.page_size)
        wanted = {name: query[name][0] for name in ("status", "shoot_id") if name in query}
        fitting = [item for item in items if all(item[name] == value for name, value in wanted.items())]
        cursor = str(end) if end < len(fitting) else None
        return 200, {"items": fitting[start:end], "next_cursor": cursor}

    def list_shoots(self, _: bytes) -> tuple[int, Document]:
        shoots = [self.api.shoot(shoot_id) for shoot_id in self.api.shoots]
        search = (self._query("search") or "").casefold()
        return self._page([shoot for shoot in shoots if search in shoot["costume_name"].casefold()])

    def report(self, _: bytes, shoot_id: str) -> tuple[int, Document]:
        self.api.reported.append((shoot_id, self._query("trigger_word")))
        return 200, self.api.reports.get(shoot_id, a_report())

    def create_shoot(self, body: bytes) -> tuple[int, Document]:
        key = self.headers["Idempotency-Key"]
        shoot_id = self.api.keys.setdefault(key, f"s_{len(self.api.keys) + 1}")
        shoot = {"id": shoot_id, "created_at": CREATED_AT, **json.loads(body)}
        self.api.shoots.setdefault(shoot_id, shoot)
        self.api.files.setdefault(shoot_id, {})
        return 201, self.api.shoot(shoot_id)

    def show_shoot(self, _: bytes, shoot_id: str) -> tuple[int, Document]:
        if shoot_id not in self.api.shoots:
            return 404, a_problem(404, "shoot_not_found", f"There is no shoot {shoot_id} of yours.")
        stored = [
            {"name": name, "size": len(body), "crc32c": crc32c(body)} for name, body in self.api.files[shoot_id].items()
        ]
        return 200, {**self.api.shoot(shoot_id), "pictures": self.api.pictures(shoot_id), "files": stored}

    def put_file(self, body: bytes, shoot_id: str, name: str) -> tuple[int, Document]:
        self.api.files[shoot_id][name] = body
        self.api.uploads.append(name)
        return 201, {"name": name, "size": len(body), "crc32c": crc32c(body)}

    def quote(self, body: bytes) -> tuple[int, Document]:
        asked = json.loads(body)
        self.api.quotes.append(asked)
        steps = asked["parameters"].get("steps", 1000)
        return 200, a_quote(steps, expected_s=self.api.expected_s, **self.api.quote_changes)

    def list_trainers(self, _: bytes) -> tuple[int, Document]:
        return 200, {"items": [trainer_view(spec).model_dump(mode="json") for spec in TRAINERS.values()]}

    def order(self, body: bytes) -> tuple[int, Document]:
        key = self.headers["Idempotency-Key"]
        if key not in self.api.keys:
            self.api.keys[key] = f"t_{len(self.api.orders) + 1}"
            self.api.orders.append(json.loads(body))
        training_id = self.api.keys[key]
        training = a_training(**{**json.loads(body), "id": training_id, "status": "requested", "stage": "packaging"})
        return 202, self.api.trainings.setdefault(training_id, training)

    def quote_images(self, _: bytes, model_id: str) -> tuple[int, Document]:
        return 200, {"price_usd": 0.035, "note": "", "count": int(self._query("count") or 1)}

    def order_images(self, body: bytes, model_id: str) -> tuple[int, Document]:
        return 202, self._set_of_pictures(json.loads(body), model_id, scale=1.0)

    def compare_models(self, body: bytes) -> tuple[int, Document]:
        asked = json.loads(body)
        pairs = [(model_id, scale) for model_id in asked["model_ids"] for scale in asked["scales"]]
        return 202, {"id": "g_1", "items": [self._set_of_pictures(asked, m, scale=s) for m, s in pairs]}

    def _set_of_pictures(self, asked: Document, model_id: str, *, scale: float) -> Document:
        images_id = self.api.keys.setdefault(
            f"{self.headers['Idempotency-Key']} {model_id} {scale}", f"i_{len(self.api.keys) + 1}"
        )
        changes = {"model_id": model_id, "prompt": asked["prompt"], "scale": scale}
        made = an_image_job(status=Status.SUCCEEDED, id=images_id, **changes)
        return self.api.images.setdefault(images_id, images_view(made).model_dump(mode="json"))

    def show_images(self, _: bytes, images_id: str) -> tuple[int, Document]:
        return 200, self.api.images[images_id]

    def list_trainings(self, _: bytes) -> tuple[int, Document]:
        return self._page(list(self.api.trainings.values()))

    def show_training(self, _: bytes, training_id: str) -> tuple[int, Document]:
        if training_id not in self.api.trainings:
            return 404, a_problem(404, "training_not_found", f"There is no training {training_id} of yours.")
        return 200, self.api.trainings[training_id]

    def cancel(self, _: bytes, training_id: str) -> tuple[int, Document]:
        training, outcome = self.api.trainings[training_id], self.api.cancel_outcome
        if outcome == "canceled":
            training = self.api.trainings[training_id] = {**training, "status": "canceled", "stage": None}
        return 200, {"outcome": outcome, "message": f"It is {outcome}.", "training": training}

    def retry(self, _: bytes, training_id: str) -> tuple[int, Document]:
        before = self.api.trainings[training_id]
        if before["recoverable"]:
            # what it becomes is up to the test: it stays as it is for whoever watches it
            return 202, {**before, "status": "mirroring", "stage": "mirroring", "error": None, "recoverable": False}
        if before["status"] not in ("failed", "canceled"):
            return 409, a_problem(409, "conflict", "There is nothing to retry.")
        successor = a_training(id=f"{training_id}_2", status="requested", stage="packaging", predecessor_id=training_id)
        return 202, self.api.trainings.setdefault(successor["id"], successor)

    def check(self, _: bytes, training_id: str) -> tuple[int, Document]:
        self.api.checked.append(training_id)
        return 202, self.api.trainings[training_id]

    def show_log(self, _: bytes, training_id: str) -> tuple[int, Document]:
        return self._text(self.api.logs.get(training_id, ""))

    def tell_story(self, _: bytes, training_id: str) -> tuple[int, Document]:
        if training_id not in self.api.stories:
            return 404, a_problem(404, "training_not_found", f"There is no training {training_id} of yours.")
        return 200, self.api.stories[training_id]

    def list_letters(self, _: bytes) -> tuple[int, Document]:
        if self.api.letters is None:
            return self._nothing()
        return 200, {"items": list(self.api.letters.values())[: int(self._query("limit") or 100)]}

    def show_letter(self, _: bytes, letter_id: str) -> tuple[int, Document]:
        if letter_id not in (self.api.letters or {}):
            return 404, a_problem(404, "dead_letter_not_found", f"There is no dead letter {letter_id}.")
        return 200, (self.api.letters or {})[letter_id]

    def settle_letter(self, _: bytes, letter_id: str, verb: str) -> tuple[int, Document]:
        status, letter = self.show_letter(b"", letter_id)
        if status == 200:
            self.api.settled.append((verb, letter_id))
            (self.api.letters or {}).pop(letter_id)
        return status, letter

    def redrive(self, _: bytes, training_id: str) -> tuple[int, Document]:
        status, training = self.show_training(b"", training_id)
        message = "It is being looked after now: fal.ai is asked how far it is."
        kind = "images" if training_id.startswith("i_") else "training"
        known = {"training_id": training_id, "kind": kind, "status": training.get("status"), "message": message}
        return (202, known) if status == 200 else (status, training)

    def start_sweep(self, _: bytes) -> tuple[int, Document]:
        return (202, self.api.sweeps[0]) if self.api.sweeps else self._nothing()

    def show_sweep(self, _: bytes, sweep_id: str) -> tuple[int, Document]:
        if len(self.api.sweeps) > 1:
            self.api.sweeps.pop(0)
        return 200, self.api.sweeps[0]

    def _nothing(self) -> tuple[int, Document]:
        return 404, a_problem(404, "not_found", "Not Found: see /openapi.json for what there is.")

    def see_doctor(self, _: bytes) -> tuple[int, Document]:
        if self.api.doctor is None:
            return 404, a_problem(404, "not_found", "Not Found: see /openapi.json for what there is.")
        return 200, self.api.doctor

    def show_console(self, _: bytes) -> tuple[int, Document]:
        if not self.api.console:
            return 404, a_problem(404, "not_found", "Not Found: see /openapi.json for what there is.")
        return self._text("<!doctype html>", "text/html")

    def list_models(self, _: bytes) -> tuple[int, Document]:
        return self._page(list(self.api.models.values()))

    def show_model(self, _: bytes, model_id: str) -> tuple[int, Document]:
        if model_id not in self.api.models:
            return 404, a_problem(404, "model_not_found", f"There is no model {model_id} of yours.")
        return 200, self.api.models[model_id]

    def list_versions(self, _: bytes, model_id: str) -> tuple[int, Document]:
        name = self.api.models[model_id]["name"]
        found = [model for model in self.api.models.values() if model["name"] == name]
        return 200, {"items": sorted(found, key=lambda model: -model["version"])}

    def retrain(self, body: bytes, model_id: str) -> tuple[int, Document]:
        asked, model = json.loads(body), self.api.models[model_id]
        again = {"shoot_id": model["shoot_id"], "trigger_word": model["trigger_word"], "model_name": model["name"]}
        status, training = self.order(json.dumps({**again, **asked}).encode())
        self.api.orders[-1] = {"retrain": model_id, **asked}
        return status, training

    def promote(self, _: bytes, model_id: str) -> tuple[int, Document]:
        if model_id in self.api.models:
            self.api.models[model_id] |= {"promoted_at": CREATED_AT}
        return self.show_model(b"", model_id)

    def show_lineage(self, _: bytes, model_id: str) -> tuple[int, Document]:
        return 200, self.api.lineage

    def diff(self, _: bytes, model_id: str) -> tuple[int, Document]:
        self.api.compared.append((model_id, self._query("against")))
        return 200, self.api.difference

    def rename(self, body: bytes, model_id: str) -> tuple[int, Document]:
        self.api.models[model_id] |= json.loads(body)
        return 200, self.api.models[model_id]

    def plan_erasure(self, _: bytes) -> tuple[int, Document]:
        subject, wanted = self._query("subject"), self._query("subject_id") or ""
        if subject == "model" and wanted not in self.api.models:
            return self.show_model(b"", wanted)
        name = self.api.models[wanted]["name"] if subject == "model" else "" if subject == "images" else wanted
        lines = {
            "deletes": [an_erasure_line("model_files", 5, 4096)],
            "stays": [an_erasure_line("account", reason="money")],
        }
        of = {"subject": subject, "subject_id": wanted, "name": name}
        return 200, {**of, **lines, "hindrances": [], "warnings": ["For good."]}

    def erase(self, body: bytes) -> tuple[int, Document]:
        wanted = json.loads(body)
        if wanted["subject"] == "model":
            if wanted["confirm"] != self.api.models[wanted["subject_id"]]["name"]:
                return 409, a_problem(409, "conflict", "To delete this model, confirm with its name.")
            del self.api.models[wanted["subject_id"]]
        erasure = an_erasure(f"e_{len(self.api.erasures) + 1}", wanted["subject"], wanted["subject_id"])
        self.api.erasures[erasure["id"]] = erasure
        return 202, {**erasure, "state": "open", "finished_at": None}

    def list_people(self, _: bytes) -> tuple[int, Document]:
        return 200, {"items": self.api.people}

    def show_due(self, _: bytes) -> tuple[int, Document]:
        return 200, self.api.due

    def show_erasure(self, _: bytes, erasure_id: str) -> tuple[int, Document]:
        if erasure_id not in self.api.erasures:
            return 404, a_problem(404, "erasure_not_found", f"There is no erasure {erasure_id} of yours.")
        return 200, self.api.erasures[erasure_id]

    def list_erasures(self, _: bytes) -> tuple[int, Document]:
        return self._page(list(self.api.erasures.values()))

    def sign_download(self, _: bytes, model_id: str) -> tuple[int, Document]:
        model, url = self.api.models[model_id], f"{self.api.url}/storage"
        files = []
        for file in model["files"]:
            name = f"lora{file['part'] and '-'}{file['part']}.safetensors"
            told = {key: file[key] for key in ("part", "size", "sha256")}
            files.append({"url": f"{url}/{name}?sig=1", "file_name": name, **told})
        config = {"url": f"{url}/config.json?sig=1", "file_name": "config.json"}
        return 200, {"weights": files[0], "files": files, "config": config, "expires_at": CREATED_AT}

    def events(self, _: bytes, training_id: str) -> tuple[int, Document]:
        if training_id not in self.api.trainings:
            return self.show_training(b"", training_id)
        self.api.resumed_after.append(self.headers.get("Last-Event-ID"))
        connections = self.api.streams.get(training_id, [])
        return self._stream(connections.pop(0) if connections else ())

    def images_events(self, _: bytes, images_id: str) -> tuple[int, Document]:
        job = self.api.images[images_id]
        return self._stream([("images", job), ("end", {"status": job["status"]})])

    def _stream(self, events: Iterable[tuple[str, Document]]) -> tuple[int, Document]:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for name, data in events:
            event_id = f"id: {data['index']}\r\n" if name == "log" else ""
            payload = json.dumps(data, ensure_ascii=False)
            text = f": heartbeat\r\n\r\nevent: {name}\r\n{event_id}data: {payload}\r\n\r\n"
            self.wfile.write(text.encode())
            self.wfile.flush()
        self.close_connection = True
        return 0, {}

    def _store(self, name: str) -> None:
        self.api.storage_headers.append({key.lower(): value for key, value in self.headers.items()})
        stored = self.api.storage[name]
        if stored.refusals:
            stored.refusals -= 1
            return self._problem(403, "expired", "This URL has run out.")
        start = 0 if stored.ignores_ranges else int((self.headers.get("Range") or "=0-").strip("bytes=-"))
        body = stored.body[start:]
        if start >= len(stored.body) > 0:
            return self._problem(416, "range", "There is nothing after that.")
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(stored.body) - 1}/{len(stored.body)}")
        self.end_headers()
        if stored.cuts:
            body, self.close_connection = body[: stored.cuts.pop(0)], True
        stored.sent += len(body)
        self.wfile.write(body)
        return None


_Answer = Callable[..., tuple[int, Document]]
_ROUTES: tuple[tuple[str, str, _Answer], ...] = (
    ("GET", "/v1/shoots", _Handler.list_shoots),
    ("POST", "/v1/shoots", _Handler.create_shoot),
    ("GET", "/v1/shoots/([^/]+)", _Handler.show_shoot),
    ("PUT", "/v1/shoots/([^/]+)/files/([^/]+)", _Handler.put_file),
    ("GET", "/v1/shoots/([^/]+)/report", _Handler.report),
    ("POST", "/v1/quotes", _Handler.quote),
    ("GET", "/v1/trainers", _Handler.list_trainers),
    ("GET", "/v1/models/([^/]+)/images/quote", _Handler.quote_images),
    ("POST", "/v1/models/([^/]+)/images", _Handler.order_images),
    ("POST", "/v1/comparisons", _Handler.compare_models),
    ("GET", "/v1/images/([^/]+)", _Handler.show_images),
    ("GET", "/v1/images/([^/]+)/events", _Handler.images_events),
    ("POST", "/v1/trainings", _Handler.order),
    ("GET", "/v1/trainings", _Handler.list_trainings),
    ("GET", "/v1/trainings/([^/]+)", _Handler.show_training),
    ("GET", "/v1/trainings/([^/]+)/events", _Handler.events),
    ("GET", "/v1/trainings/([^/]+)/log", _Handler.show_log),
    ("GET", "/v1/trainings/([^/]+)/story", _Handler.tell_story),
    ("POST", "/v1/trainings/([^/]+)/cancel", _Handler.cancel),
    ("POST", "/v1/trainings/([^/]+)/retry", _Handler.retry),
    ("POST", "/v1/trainings/([^/]+)/check", _Handler.check),
    ("GET", "/v1/models", _Handler.list_models),
    ("GET", "/v1/models/([^/]+)", _Handler.show_model),
    ("PATCH", "/v1/models/([^/]+)", _Handler.rename),
    ("POST", "/v1/models/([^/]+)/retrain", _Handler.retrain),
    ("POST", "/v1/models/([^/]+)/promote", _Handler.promote),
    ("GET", "/v1/models/([^/]+)/lineage", _Handler.show_lineage),
    ("GET", "/v1/models/([^/]+)/diff", _Handler.diff),
    ("GET", "/v1/erasures/plan", _Handler.plan_erasure),
    ("POST", "/v1/erasures", _Handler.erase),
    ("GET", "/v1/erasures", _Handler.list_erasures),
    ("GET", "/v1/erasures/due", _Handler.show_due),
    ("GET", "/v1/people", _Handler.list_people),
    ("GET", "/v1/erasures/([^/]+)", _Handler.show_erasure),
    ("GET", "/v1/models/([^/]+)/versions", _Handler.list_versions),
    ("GET", "/v1/models/([^/]+)/download", _Handler.sign_download),
    ("GET", "/v1/doctor", _Handler.see_doctor),
    ("GET", "/v1/ops/dead-letters", _Handler.list_letters),
    ("GET", "/v1/ops/dead-letters/([^/]+)", _Handler.show_letter),
    ("POST", "/v1/ops/dead-letters/([^/]+)/(redrive|discard)", _Handler.settle_letter),
    ("POST", "/v1/ops/trainings/([^/]+)/redrive", _Handler.redrive),
    ("POST", "/v1/ops/sweeps", _Handler.start_sweep),
    ("GET", "/v1/ops/sweeps/([^/]+)", _Handler.show_sweep),
    ("GET", "/", _Handler.show_console),
)


@contextmanager
def running_api() -> Iterator[FakeApi]:
    """A stand-in that listens while the block runs."""
    api = FakeApi()
    handler = type("Handler", (_Handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
