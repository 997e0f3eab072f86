"""`make demo`: the whole way once, from pictures to a kept model, on this machine and with a simulated fal.ai.

Exit code 0 only where the training succeeded, fal.ai billed exactly one run, and the weights in our bucket
are byte for byte what fal.ai served. The last line on stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import uuid
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape

from cli.client import ApiClient, CommandError
from cli.importing import files_to_import, import_shoot
from cli.stages import DONE, took
from cli.watching import show_end, show_until_end
from infra.local.errors import StackError
from infra.local.fal_simulator.control import SimulatorControl
from infra.local.sample_shoot import draw_sample_shoot
from infra.local.settings import StackSettings
from infra.local.stack import Stack, running_stack
from shared.environment import UNREADABLE, UnreadableSettingsError

Document = dict[str, Any]


# The demo is the same everywhere: what an environment or a `.env` says of another system is not for it.
ELSEWHERE = ("BACKEND", "PUBLIC_URL", "WEBHOOK_URL", "FAL_QUEUE_URL", "FAL_API_URL", "FAL_JWKS_URL", "FAL_MEDIA_HOSTS")


def main() -> int:
    """Run the demo with the arguments of the command line."""
    for name in ELSEWHERE:
        os.environ.pop(name, None)
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    # from the environment, where make puts its variables: a shell in between would read quotes and dollars in them
    parser.add_argument(
        "--images",
        default=os.environ.get("IMAGES", ""),
        help="a folder of pictures and captions; without it, one is drawn",
    )
    parser.add_argument("--trigger", default=os.environ.get("TRIGGER") or "TOK", help="the trigger word")
    given = parser.parse_args()
    console = Console(soft_wrap=not sys.stdout.isatty())
    try:
        images = Path(given.images).expanduser() if given.images else None
        return _demo(images, given.trigger, console)
    except (StackError, CommandError) as error:
        console.print(f"[red]The demo did not work:[/] {escape(str(error))}")
        return 1
    except UnreadableSettingsError as error:
        console.print(f"[red]The demo cannot start:[/] {error}")
        return UNREADABLE
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130


def _demo(images: Path | None, trigger: str, console: Console) -> int:
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="costumes-lora-demo-")))
        settings = StackSettings(port=0, data_dir=scratch / "data", fal_queue_url="")
        folder = _folder(images, scratch, console)
        console.print("Starting the functions and a [bold]simulated[/] fal.ai (nothing is trained or paid) …")
        running = stack.enter_context(running_stack(settings))
        client = stack.enter_context(ApiClient(running.url))
        training = _train(client, folder, trigger, console)
        summary = _summary(running, client, training)
        checked = training["status"] == "succeeded" and _same_bytes(running, client, training, console)
        ok = checked and summary["billed_runs"] == 1
    console.print("Everything that this demo made is deleted again. Models that stay: [bold]make up[/].")
    console.file.flush()
    print(json.dumps(summary), flush=True)
    return 0 if ok else 1


def _folder(images: Path | None, scratch: Path, console: Console) -> Path:
    if images is not None:
        if not images.is_dir() or not files_to_import(images):
            raise StackError(f"{images} is not a folder with pictures (jpg, jpeg, png, webp) in it.")
        return images
    console.print("Drawing a sample shoot: 12 pictures of 1024 × 1024 with captions …")
    draw_sample_shoot(scratch / "sample-shoot")
    return scratch / "sample-shoot"


def _train(client: ApiClient, folder: Path, trigger: str, console: Console) -> Document:
    files = files_to_import(folder)
    costume = folder.resolve().name
    shoot, _ = import_shoot(client, files, folder=folder, costume=costume, person="demo-person", console=console)
    console.print(f"Shoot {shoot['id']}: {shoot['image_count']} pictures, {shoot['captioned_count']} captions")
    # one job, and its weights: pictures are for `make up`
    wanted = {"shoot_id": shoot["id"], "trigger_word": trigger, "samples": 0}
    training = client.post("/v1/trainings", wanted, idempotency_key=uuid.uuid4().hex)
    ended = show_until_end(client, training["id"], console)
    if ended["status"] == "succeeded":
        console.print(
            f"[green]{DONE} Trained in {took(ended)}.[/] Nothing was paid: `cost_usd` is what fal.ai would bill."
        )
    else:
        show_end(client, ended, console)
    return ended


def _summary(stack: Stack, client: ApiClient, training: Document) -> Document:
    model = client.get(f"/v1/models/{training['model_id']}") if training["model_id"] else None
    with SimulatorControl(str(stack.simulator_url)) as simulator:
        billed = simulator.billing()["billed_runs"]
    shown = ("id", "version", "lora_uri", "config_uri", "sha256", "size")
    return {
        "training_id": training["id"],
        "status": training["status"],
        "stages": training["stages"],
        "billed_runs": billed,
        "model": {name: model[name] for name in shown} if model else None,
    }


def _same_bytes(stack: Stack, client: ApiClient, training: Document, console: Console) -> bool:
    """Whether the weights in our bucket are what fal.ai serves, compared byte by byte; shows the model document."""
    console.print("The model document:")
    console.print_json(data=client.get(f"/v1/models/{training['model_id']}"))
    kept = client.get(f"/v1/models/{training['model_id']}/download")["weights"]
    with SimulatorControl(str(stack.simulator_url)) as simulator:
        artifacts = simulator.request(training["fal_request_id"])["artifacts"]
    served = artifacts["diffusers_lora_file"]
    with httpx.Client(timeout=60.0) as http:
        same = _equal(http, kept["url"], served["url"])
    verdict = "[green]the same, byte for byte[/]" if same else "[red]DIFFERENT[/]"
    console.print(f"Weights in the models bucket and at fal.ai: {verdict} ({kept['size']:,} bytes)")
    return same


def _equal(http: httpx.Client, one: str, other: str) -> bool:
    block = 1 << 20
    with http.stream("GET", one) as first, http.stream("GET", other) as second:
        first.raise_for_status()
        second.raise_for_status()
        return all(a == b for a, b in zip_longest(first.iter_bytes(block), second.iter_bytes(block)))


if __name__ == "__main__":
    sys.exit(main())
