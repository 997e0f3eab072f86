"""`lora images`: pictures made with a model: make, list, show, download, compare, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.client import ApiClient, at
from cli.context import Limit, can_ask, client_of
from cli.download import RemoteFile, fetch, is_here
from cli.erase import PICTURES, add_command
from cli.models import ModelId
from cli.orders import Key, order_once
from cli.output import AsJson, ago, clean, print_json, say, show_facts, show_table, size, stderr, stdout, usd, when
from cli.quotes import Yes
from cli.remedies import advice_of_pictures
from cli.watching_images import follow_images
from shared.trainers.entry import MAX_PICTURES, PICTURE_SIZES

app = typer.Typer(
    no_args_is_help=True, help="Pictures made with a model: make, list, show, download, compare and delete them."
)

Document = dict[str, Any]

ImagesId = Annotated[str, typer.Argument(metavar="IMAGES", help="The id of a set, as `lora images list` shows it.")]
Prompt = Annotated[str, typer.Argument(metavar="PROMPT", help=r"What to show; \[trigger] stands for the trigger word.")]
Count = Annotated[int, typer.Option("--count", "-n", min=1, max=MAX_PICTURES, help="How many pictures.")]
Size = Annotated[str, typer.Option("--size", help=f"One of {', '.join(PICTURE_SIZES)}.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="The same seed and prompt make the same pictures.")]
To = Annotated[
    Path | None, typer.Option("--to", metavar="DIR", file_okay=False, help="Folder to put them in; by default the id.")
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Ask for them and leave.")]

SIZE = "landscape_4_3"


@dataclass(frozen=True, kw_only=True)
class Order:
    """So many pictures of a size with a model: what their price depends on."""

    model_id: str
    count: int
    size: str

    @classmethod
    def like(cls, job: Document) -> Order:
        """As many of the same once more."""
        return cls(model_id=job["model_id"], count=job["count"], size=job["size"])

    def quote(self, client: ApiClient) -> Document:
        """What the API says that it costs."""
        return client.get(at("models", self.model_id, "images", "quote"), count=self.count, size=self.size)


@app.command("make", epilog=r'Example:  lora images make m_2f7c "\[trigger] in the rain" --count 2')
def make_images(
    context: typer.Context,
    model_id: ModelId,
    prompt: Prompt,
    count: Count = 1,
    image_size: Size = SIZE,
    seed: Seed = None,
    scale: Annotated[float, typer.Option("--scale", min=0, max=4, help="How much of the LoRA; 0 is none.")] = 1.0,
    key: Key = None,
    no_wait: NoWait = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make pictures with a model. This costs money at fal.ai: on a terminal, the price is shown and confirmed first."""
    client = client_of(context)
    agree(client, [Order(model_id=model_id, count=count, size=image_size)], yes=yes, as_json=as_json)
    body = {"prompt": prompt, "count": count, "size": image_size, "seed": seed, "scale": scale}
    asked = _ordered(client, at("models", model_id, "images"), _given(body), key)
    show_made(client, [asked], no_wait=no_wait, as_json=as_json)


@app.command("more", epilog="Example:  lora images more i_2f7c")
def make_more(
    context: typer.Context,
    images_id: ImagesId,
    key: Key = None,
    no_wait: NoWait = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """More like these: the same prompt, model, size and scale, with a new seed."""
    client = client_of(context)
    like = client.get(at("images", images_id))
    agree(client, [Order.like(like)], yes=yes, as_json=as_json)
    asked = _ordered(client, at("images", images_id, "more"), {}, key)
    show_made(client, [asked], no_wait=no_wait, as_json=as_json)


@app.command("compare", epilog=r'Example:  lora images compare "\[trigger] at sea" m_1 m_2 --scale 0 --scale 1')
def compare(
    context: typer.Context,
    prompt: Prompt,
    model_ids: Annotated[list[str], typer.Argument(metavar="MODEL", help="The models, or versions, to compare.")],
    scale: Annotated[
        list[float] | None,
        typer.Option("--scale", min=0, max=4, help="A scale; repeatable. 0 is without the LoRA. By default 1.0."),
    ] = None,
    count: Count = 1,
    image_size: Size = SIZE,
    seed: Seed = None,
    key: Key = None,
    no_wait: NoWait = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make the same pictures with several models or at several scales: same prompt, same seed, side by side."""
    client, scales = client_of(context), scale or [1.0]
    if len(model_ids) * len(scales) < 2:
        raise typer.BadParameter(
            "One set has nothing to stand beside: name another MODEL, or another --scale.", param_hint="MODEL…"
        )
    orders = [Order(model_id=model_id, count=count, size=image_size) for model_id in model_ids for _ in scales]
    agree(client, orders, yes=yes, as_json=as_json)
    body = {"prompt": prompt, "model_ids": model_ids, "scales": scales, "count": count, "size": image_size}
    made = _ordered(client, "/v1/comparisons", _given({**body, "seed": seed}), key)
    done = _followed(client, made["items"], no_wait=no_wait)
    if as_json:
        print_json({"id": made["id"], "items": done})
    else:
        show_table(stdout(), ("MODEL", "SCALE", "ID", "STATUS", "PICTURES"), [_compared(job) for job in done])
        say(stderr(), f"See them side by side: lora open comparison {clean(made['id'])}")
        say(stderr(), "Download a set: lora images download ID")
    _fail_unless_made(done, no_wait=no_wait)


@app.command("list", epilog="Example:  lora images list --model m_2f7c")
def list_images(
    context: typer.Context,
    model: Annotated[str | None, typer.Option("--model", metavar="MODEL", help="Those of this model only.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the pictures, newest first."""
    page = client_of(context).items(at("models", model, "images") if model else "/v1/images", limit=limit)
    if as_json:
        print_json(page)
    elif page["items"]:
        rows = [
            (
                job["id"],
                job["status"],
                f"{job['model_name']} v{job['version']}",
                _number(job),
                ago(job["created_at"]),
                job["prompt"],
            )
            for job in page["items"]
        ]
        show_table(stdout(), ("ID", "STATUS", "MODEL", "PICTURES", "ASKED", "PROMPT"), rows)
    else:
        say(stderr(), 'No pictures yet. Make some: lora images make MODEL "[trigger] in the rain"')


@app.command("show", epilog="Example:  lora images show i_2f7c --json")
def show_images(context: typer.Context, images_id: ImagesId, as_json: AsJson = False) -> None:
    """Show one set of pictures: what it was made with, what it cost, and what became of it."""
    job = client_of(context).get(at("images", images_id))
    if as_json:
        print_json(job)
    else:
        show_facts(stdout(), "Pictures", images_facts(job))


@app.command("download", epilog="Example:  lora images download i_2f7c --to ./pictures")
def download_images(context: typer.Context, images_id: ImagesId, to: To = None, as_json: AsJson = False) -> None:
    """Download the pictures of a set, and verify them."""
    client, folder = client_of(context), to or Path(images_id)
    files = client.get(at("images", images_id, "download"))["files"]
    paths = [_downloaded(client, images_id, number, file, folder) for number, file in enumerate(files)]
    if as_json:
        print_json({"images_id": images_id, "files": [str(path) for path in paths]})
    else:
        show_facts(stdout(), "Pictures", {path.name: str(path) for path in paths} or {"pictures": "none"})


add_command(app, "images", "delete", PICTURES)


def _number(job: Document) -> str:
    """How many pictures there are; of how many, where fal.ai delivered fewer."""
    return f"{len(job['pictures'])} of {job['count']}" if job.get("shortfall") else str(len(job["pictures"]))


def images_facts(job: Document) -> dict[str, object]:
    """A set of pictures as names and values for people."""
    error, flagged = job.get("error") or {}, sum(bool(picture["nsfw"]) for picture in job["pictures"])
    return {
        "id": job["id"],
        "status": job["status"],
        "model": f"{job['model_name']} v{job['version']} ({job['model_id']})",
        "prompt": job["prompt"],
        "seed": job["seed"],
        "scale": job["scale"],
        "size": job["size"],
        "pictures": f"{_number(job)}, {flagged} flagged as unsafe" if flagged else _number(job),
        "shortfall": job.get("shortfall"),
        "bytes": size(sum(picture["size"] for picture in job["pictures"])) if job["pictures"] else None,
        "cost": usd(job["cost_usd"]) if job.get("cost_usd") is not None else None,
        "waits": (job.get("hindrance") or {}).get("message"),
        "failed": f"{error['code']}: {error['message']}" if error else None,
        "what to do": advice_of_pictures(job) if error else None,
        "comparison": job.get("group_id"),
        "asked": when(job["created_at"]),
    }


def _ordered(client: ApiClient, path: str, body: Document, key: str | None) -> Document:
    return order_once(client, path, body, key=key, listed_by="lora images list")


def _given(body: Document) -> Document:
    return {name: value for name, value in body.items() if value is not None}


def agree(client: ApiClient, orders: Sequence[Order], *, yes: bool, as_json: bool) -> None:
    """Show the price of all that is ordered and, on a terminal, ask; `typer.Exit` where the answer is no."""
    if as_json:
        return
    quotes = [order.quote(client) for order in orders]
    prices = [quote["price_usd"] for quote in quotes]
    price = "a price not known yet" if None in prices else usd(sum(prices))
    count = sum(order.count for order in orders)
    notes = " ".join(dict.fromkeys(clean(quote["note"]) for quote in quotes))
    say(stderr(), f"{'1 picture' if count == 1 else f'{count} pictures'} for {price}. {notes}".rstrip())
    if yes or not can_ask(as_json=as_json) or typer.confirm("Make them?", err=True):
        return
    say(stderr(), "Nothing was started.")
    raise typer.Exit(1)


def _followed(client: ApiClient, jobs: Sequence[Document], *, no_wait: bool) -> list[Document]:
    return list(jobs) if no_wait else follow_images(client, jobs, stderr())


def show_made(client: ApiClient, jobs: Sequence[Document], *, no_wait: bool, as_json: bool) -> None:
    """Follow the sets unless there is to be no waiting, and show them; `typer.Exit` where one did not succeed."""
    done = _followed(client, jobs, no_wait=no_wait)
    for job in done:
        if as_json:
            print_json(job)
            continue
        show_facts(stdout(), "Pictures", images_facts(job))
        if job["pictures"]:
            say(stderr(), f"Download them: lora images download {clean(job['id'])}")
    _fail_unless_made(done, no_wait=no_wait)


def _fail_unless_made(jobs: Sequence[Document], *, no_wait: bool) -> None:
    if not no_wait and any(job["status"] != "succeeded" for job in jobs):
        raise typer.Exit(1)


def _compared(job: Document) -> tuple[object, ...]:
    return f"{job['model_name']} v{job['version']}", job["scale"], job["id"], job["status"], len(job["pictures"])


def _downloaded(client: ApiClient, images_id: str, number: int, file: Document, folder: Path) -> Path:
    remote = RemoteFile.of(file)
    if is_here(remote, folder):
        return folder / remote.name

    def fresh() -> RemoteFile:
        return RemoteFile.of(client.get(at("images", images_id, "download"))["files"][number])

    return fetch(remote, folder, on_bytes=lambda done: None, fresh=fresh)
