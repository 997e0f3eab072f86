"""Documents as the API shows them, built from what a test cares about."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import google_crc32c

from shared.errors import remedy_of
from shared.remedies import Remedy

Document = dict[str, Any]

CREATED_AT = "2026-05-04T10:00:00+00:00"


def a_training(**fields: Any) -> Document:
    """A training as the API shows it, in its queue unless told otherwise."""
    training: Document = {
        "id": "t_1",
        "shoot_id": "s_1",
        "person_id": "ada",
        "model_name": "red-cape",
        "trigger_word": "TOK",
        "trainer": "fal-ai/flux-lora-fast-training",
        "parameters": {"steps": 1000, "is_style": False},
        "status": "submitted",
        "stage": "queued",
        "stages": {"packaging": 2.0, "submitting": 1.0, "queued": 4.0},
        "history": [{"status": "requested", "at": CREATED_AT, "reason": ""}],
        "progress": None,
        "dataset": {
            "image_count": 12,
            "caption_count": 12,
            "bytes": 2_400_000,
            "sha256": "ab",
            "fingerprint": "cd",
        },
        "error": None,
        "hindrance": None,
        "model_id": None,
        "samples": 0,
        "recoverable": False,
        "fal_request_id": "r_1",
        "log_count": 0,
        "quote": {
            "price_usd": 2.0,
            "unit_price_usd": 2.0,
            "unit": "1000 steps",
            "priced_at": "2026-11-01",
            "note": "",
            "samples": 0,
            "samples_usd": None,
            "total_usd": 2.0,
        },
        "preset": None,
        "sent": None,
        "delivered": None,
        "cost_usd": None,
        "predecessor_id": None,
        "cancel_requested_at": None,
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
    }
    return {**training, **fields}


def a_run(percent: float, **fields: Any) -> Document:
    """A training that fal.ai is running."""
    progress = {"percent": percent, "step": int(percent * 10), "total": 1000, "message": "", "eta_s": 38.0}
    progress |= {"queue_position": None, "updated_at": CREATED_AT}
    return a_training(status="running", stage="training", progress=progress, **fields)


def a_success(**fields: Any) -> Document:
    """A training that gave the model `m_1`."""
    stages = {"packaging": 2.0, "submitting": 1.0, "queued": 4.0, "training": 60.0, "mirroring": 3.0}
    return a_training(**{"status": "succeeded", "stage": None, "stages": stages, "model_id": "m_1", **fields})


def a_failure(code: str = "training_failed", *, charged: bool | None = True, **fields: Any) -> Document:
    """A training that failed at fal.ai."""
    error: Document = {
        "code": code,
        "message": "fal.ai ran the training and it failed (out of memory).",
        "stage": "training",
    }
    recoverable = fields.get("recoverable", False)
    error |= {"retryable": False, "charged": charged, "at": CREATED_AT}
    error["remedy"] = str(Remedy.RECOVER if recoverable else remedy_of(code))
    return a_training(**{"status": "failed", "stage": None, "error": error, **fields})


def a_model(weights: bytes = b"", **fields: Any) -> Document:
    """A model whose weights are these bytes."""
    model: Document = {
        "id": "m_1",
        "person_id": "ada",
        "owner_id": "u_1",
        "shoot_id": "s_1",
        "training_id": "t_1",
        "name": "red-cape",
        "version": 2,
        "service": "fal.ai",
        "trainer": "fal-ai/flux-lora-fast-training",
        "trigger_word": "TOK",
        "lora_uri": "gs://models/models/ada/red-cape/v2/lora.safetensors",
        "config_uri": "gs://models/models/ada/red-cape/v2/config.json",
        "size": len(weights),
        "sha256": hashlib.sha256(weights).hexdigest(),
        "crc32c": crc32c(weights),
        "weights": {"tensors": 304, "rank": 16, "dtype": "BF16", "format": None},
        "dataset_fingerprint": "cd",
        "parameters": {"steps": 1000, "is_style": False},
        "parent_model_id": None,
        "trained_at": CREATED_AT,
        "title": None,
        "cost_usd": None,
    }
    model |= fields
    first = {name: model[name] for name in ("size", "sha256", "crc32c", "weights")}
    return {"files": [{"part": "", "uri": model["lora_uri"], **first}], **model}


def a_quote(steps: int = 1000, **fields: Any) -> Document:
    """A price as the API quotes it, without an estimate and with a budget unless told otherwise."""
    quote: Document = {
        "trainer": "fal-ai/flux-lora-fast-training",
        "price_usd": steps / 500,
        "unit_price_usd": 2.0,
        "unit": "1000 steps",
        "priced_at": "2026-11-01",
        "note": "",
        "samples": 0,
        "samples_usd": None,
        "parameters": {"steps": steps},
        "expected_s": None,
        "budget": {"limit_usd": 50.0, "left_usd": 48.0, "reserved_usd": 2.0},
        **fields,
    }
    return {"total_usd": quote["price_usd"], **quote}


def a_finding(severity: str, code: str, file: str | None, message: str) -> Document:
    """One thing about a dataset."""
    return {"severity": severity, "code": code, "file": file, "message": message}


def a_report(*findings: Document, **fields: Any) -> Document:
    """A shoot as a dataset; blocking where one of the findings is an error."""
    report: Document = {
        "shoot_id": "s_1",
        "blocking": any(finding["severity"] == "error" for finding in findings),
        "image_count": 12,
        "captioned_count": 11,
        "bytes": 1_200_000,
        "smallest": {"width": 480, "height": 640},
        "median": {"width": 1024, "height": 1024},
        "largest": {"width": 1024, "height": 1536},
        "findings": list(findings),
    }
    return {**report, **fields}


def a_check(name: str, ok: bool | None, detail: str, advice: str | None = None) -> Document:
    """One thing that the doctor looked at."""
    return {"name": name, "ok": ok, "detail": detail, "advice": advice}


def a_log(index: int, line: str) -> tuple[str, Document]:
    """A log event."""
    return "log", {"index": index, "line": line}


def crc32c(body: bytes) -> str:
    """The checksum as Cloud Storage writes it."""
    return base64.b64encode(google_crc32c.value(body).to_bytes(4, "big")).decode()


def a_problem(status: int, code: str, detail: str, *, retryable: bool | None = None, **details: Any) -> Document:
    """An RFC 9457 document as the API writes it; `retryable` goes by the status where it is not given."""
    title = code.replace("_", " ").capitalize()
    kind = f"urn:costumes-lora:problem:{code}"
    return {
        "type": kind,
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": status in (429, 503) if retryable is None else retryable,
        "remedy": str(remedy_of(code)),
        **({"details": details} if details else {}),
    }


def a_letter(**fields: Any) -> Document:
    """A dead letter as the API shows it to an operator."""
    letter: Document = {
        "id": "training-requested-packager.7",
        "topic": "training-requested",
        "subscription": "training-requested-packager",
        "published_at": CREATED_AT,
        "attempts": 10,
        "reason": "HTTP 500",
        "size": 21,
        "training_id": "t_1",
        "fields": {"training_id": "t_1"},
        "problem": "",
        "training_status": "requested",
        "advice": "Redrive it: nothing is paid twice.",
    }
    return {**letter, **fields}


def a_line(second: int, text: str, **fields: Any) -> Document:
    """A line of a story, so many seconds after its beginning."""
    at = f"2026-05-04T10:00:{second:02}.5+00:00"
    line: Document = {"at": at, "source": "packager", "kind": "event", "severity": "INFO", "name": "x", "fields": {}}
    return {**line, "text": text, **fields}


def a_sweep(**fields: Any) -> Document:
    """A sweep that is done and found nothing."""
    counts = {"checked": 0, "hindered": 0, "swept": 0, "late": 0}
    return {"id": "sweep_1", "done": True, "code": None, **counts, "found": [], **fields}


def an_erasure_line(what: str, count: int = 0, size: int = 0, *, reason: str = "") -> Document:
    """A line of a plan or receipt."""
    of = ["m_1"] if count else []
    return {"what": what, "words": what.replace("_", " "), "count": count, "size": size, "of": of, "reason": reason}


def an_erasure(erasure_id: str, subject: str, subject_id: str) -> Document:
    """The receipt of an erasure."""
    return {
        "id": erasure_id,
        "subject": subject,
        "subject_id": "" if subject == "person" else subject_id,
        "state": "done",
        "cause": "asked",
        "requested_at": CREATED_AT,
        "finished_at": CREATED_AT,
        "deleted": [an_erasure_line("model_files", 5, 4096)],
        "gone": [],
        "stays": [an_erasure_line("account", reason="money")],
        "hindrance": "",
    }
