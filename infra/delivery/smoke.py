"""Looking at a deployed system from outside, as its users and fal.ai do. Nothing here can cost anything.

A training is only started where fal.ai is the simulator, which is asked first whether it is: see `train_once`.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

import httpx
from rich.console import Console

from cli.client import ApiClient, ApiProblem, CommandError
from cli.doctor import show_checks
from cli.erase import await_receipt
from cli.importing import files_to_import, import_shoot
from cli.watching import watch_training
from infra.delivery.cloud_run import DeliveryError
from infra.delivery.operator import API_KEY, REFRESH_TOKEN, TOKEN
from infra.local.sample_shoot import draw_sample_shoot
from shared.settings import FAL_QUEUE_URL

TIMEOUT_S = 30.0


def look_at(api_url: str, *, webhook_url: str, token: str | None) -> None:
    """Whether the API answers, lets nobody in who does not say who he is, and the webhook refuses the unsigned.

    With an operator's `token` it asks the doctor, too. `DeliveryError` says what is not well.
    """
    print(f"Looking at {api_url} …", flush=True)
    try:
        with ApiClient(api_url) as stranger:
            _refuses(stranger, api_url)
        _refuses_the_unsigned(webhook_url)
        if token is None:
            print(f"– The doctor was not asked: set {TOKEN}, or {REFRESH_TOKEN} and {API_KEY}.", flush=True)
            return
        with ApiClient(api_url, token) as client:
            _is_well(client)
    except CommandError as error:
        raise DeliveryError(f"{api_url}: {error.sentence}") from error


def _refuses(stranger: ApiClient, api_url: str) -> None:
    status = stranger.status("/v1/trainings")
    if status not in (302, 401, 403):
        raise DeliveryError(f"{api_url} answers {status} to a stranger: AUTH_MODE must be firebase or iap.")
    print(f"✓ A stranger is refused ({status}).", flush=True)


def _refuses_the_unsigned(webhook_url: str) -> None:
    try:
        answer = httpx.post(f"{webhook_url}/smoke/smoke", content=b"{}", timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise DeliveryError(f"{webhook_url} does not answer ({type(error).__name__}).") from error
    if answer.status_code != 401:
        raise DeliveryError(f"{webhook_url} answers {answer.status_code} to a callback without a signature, not 401.")
    print("✓ A callback without a signature is refused.", flush=True)


def _is_well(client: ApiClient) -> None:
    try:
        found = client.get("/v1/doctor")
    except ApiProblem as problem:
        if problem.status != httpx.codes.NOT_FOUND:
            raise
        raise DeliveryError("who looks is no operator: name the user's id in OPERATORS.") from problem
    show_checks(found["checks"], Console())
    if not found["ok"]:
        raise DeliveryError("the doctor found something that is not well.")


def train_once(api_url: str, submitter: Mapping[str, str], *, token: str | None) -> None:
    """Train a drawn shoot where the submitter, by its environment, sends to the simulator; elsewhere nothing.

    The simulator says itself that it is one. Everything that is made is deleted again; what stays is the receipt.
    """
    if not is_simulated(submitter.get("FAL_QUEUE_URL", "")):
        print("– Nothing was trained: trainings of this system are real and paid.", flush=True)
        return
    if token is None:
        print("– Nothing was trained: nobody in particular looks.", flush=True)
        return
    with tempfile.TemporaryDirectory() as scratch, ApiClient(api_url, token) as client:
        folder = Path(scratch)
        draw_sample_shoot(folder, count=4, size=256)
        name = f"smoke-{uuid.uuid4().hex[:8]}"
        try:
            _train(client, folder, name)
        except CommandError as error:
            raise DeliveryError(f"{api_url}: {error.sentence}") from error


def is_simulated(queue_url: str) -> bool:
    """Whether whoever answers there says that it is the simulator; fal.ai's own address is not even asked."""
    if not queue_url or queue_url.rstrip("/") == FAL_QUEUE_URL:
        return False
    try:
        answer = httpx.get(queue_url, timeout=TIMEOUT_S)
    except httpx.HTTPError:
        return False
    return str(answer.headers.get("x-fal-simulator")) == "true"


def _train(client: ApiClient, folder: Path, name: str) -> None:
    console = Console()
    files = files_to_import(folder)
    shoot, _ = import_shoot(client, files, folder=folder, costume=name, person=name, console=console)
    wanted = {"shoot_id": shoot["id"], "trigger_word": "TOK", "samples": 0}
    training = client.post("/v1/trainings", wanted, idempotency_key=name)
    ended = watch_training(client, training["id"], console)
    if ended["status"] != "succeeded":
        raise DeliveryError(f"the simulated training {training['id']} is {ended['status']}: {ended['error']}")
    await_receipt(client, client.post("/v1/erasures", {"subject": "person", "subject_id": name, "confirm": name}))
    print("✓ A simulated training went the whole way.", flush=True)
