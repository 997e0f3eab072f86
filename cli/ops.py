"""`lora ops`: the operator's hand. Everything here is safe to repeat."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from cli.client import ApiClient, ApiProblem, CommandError, at
from cli.context import can_ask, client_of
from cli.output import AsJson, ago, clean, print_json, say, show_facts, show_table, size, stderr, stdout, when
from cli.story import show_timeline

Document = dict[str, Any]

POLL_S = 0.5
AT_ONCE = 1000

# what a kind of job is called, and the commands that are about it
_TOLD_AS = {"training": ("training", "trainings"), "images": ("set of pictures", "images")}

app = typer.Typer(
    no_args_is_help=True,
    help="For operators: messages that were given up, a step to announce again, a look at everything now.",
)
letters = typer.Typer(no_args_is_help=True, help="The messages that were given up after their last delivery.")
app.add_typer(letters, name="dead-letters")

LetterId = Annotated[
    str, typer.Argument(metavar="LETTER", help="The dead letter's id, as `lora ops dead-letters list` shows it.")
]
LetterIds = Annotated[
    list[str] | None, typer.Argument(metavar="LETTER", help="Ids, as `lora ops dead-letters list` shows them.")
]


class SweepPending(CommandError):
    """The monitor has not come to a sweep in time."""

    def __init__(self, sweep: Document, wait_s: float) -> None:
        """Say how far it came."""
        why = f" It failed with {sweep['code']} and is tried again." if sweep["code"] else ""
        super().__init__(
            "sweep_pending",
            f"The monitor has not done it within {wait_s:.0f} s.{why}",
            "See whether it runs: lora doctor, lora ops dead-letters list. Asking again is safe.",
        )


@letters.command("list", epilog="Example:  lora ops dead-letters list --json")
def list_letters(
    context: typer.Context,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=AT_ONCE, help="Show at most this many, oldest first.")
    ] = 100,
    as_json: AsJson = False,
) -> None:
    """List the messages that were given up, the oldest first. Looking loses none.

    On Google Cloud it takes some seconds, and whoever looks at the same
    moment may hold some of them back.
    """
    with _as_operator():
        found = client_of(context).get("/v1/ops/dead-letters", limit=limit)
    if as_json:
        print_json(found)
    elif found["items"]:
        rows = [
            (one["id"], one["training_id"], one["attempts"], ago(one["published_at"]), one["problem"] or one["reason"])
            for one in found["items"]
        ]
        show_table(stdout(), ("ID", "TRAINING", "TRIES", "SENT", "WHY"), rows)
    else:
        say(stderr(), "No message was given up.")


@letters.command("show", epilog="Example:  lora ops dead-letters show training-requested-packager.42")
def show_letter(context: typer.Context, letter_id: LetterId, as_json: AsJson = False) -> None:
    """Show one of them, where its training stands, and what had best be done with it."""
    with _as_operator():
        letter = client_of(context).get(at("ops", "dead-letters", letter_id))
    if as_json:
        print_json(letter)
        return
    show_facts(stdout(), "Dead letter", letter_facts(letter))
    say(stderr(), clean(letter["advice"]))


@letters.command("redrive", epilog="Example:  lora ops dead-letters redrive --all")
def redrive_letters(
    context: typer.Context,
    letter_ids: LetterIds = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Deliver messages again, with all their attempts. What was done is not done again, and nothing is paid twice."""
    if bool(letter_ids) == everything:
        raise typer.BadParameter("name the dead letters, or say --all", param_hint="LETTER")
    client = client_of(context)
    with _as_operator():
        chosen = letter_ids or [one["id"] for one in client.get("/v1/ops/dead-letters", limit=AT_ONCE)["items"]]
        done = _settled(client, chosen, "redrive", "{} is delivered again.", as_json=as_json)
    if as_json:
        print_json({"redriven": done})
    else:
        told = "See what comes of it: lora trainings story TRAINING, or lora images story IMAGES"
        say(stderr(), told if done else "No message was given up.")


@letters.command("discard", epilog="Example:  lora ops dead-letters discard training-requested-packager.42")
def discard_letters(
    context: typer.Context,
    letter_ids: Annotated[
        list[str], typer.Argument(metavar="LETTER", help="Ids, as `lora ops dead-letters list` shows them.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget messages, for good. Their trainings, where they are unfinished, are still looked after."""
    if not yes and can_ask(as_json=as_json) and not typer.confirm(f"Discard {len(letter_ids)} for good?", err=True):
        raise typer.Exit(1)
    with _as_operator():
        done = _settled(client_of(context), letter_ids, "discard", "{} is gone.", as_json=as_json)
    if as_json:
        print_json({"discarded": done})


@app.command("redrive", epilog="Example:  lora ops redrive t_2f7c")
def redrive(
    context: typer.Context,
    job_id: Annotated[
        str, typer.Argument(metavar="JOB", help="The id of a training, or of a set of pictures, whoever's it is.")
    ],
    as_json: AsJson = False,
) -> None:
    """Have the present step of a training or a set of pictures announced again, whoever's it is.

    It is what the monitor does where a step has not begun for a while; only
    what is still due is done, and fal.ai is never asked for a second run.
    """
    with _as_operator():
        done = client_of(context).post(at("ops", "trainings", job_id, "redrive"))
    if as_json:
        print_json(done)
        return
    noun, command = _TOLD_AS[done["kind"]]
    say(stdout(), f"The {noun} has the status {clean(done['status'])}. {clean(done['message'])}")
    say(stderr(), f"See what comes of it: lora {command} story {clean(done['training_id'])}")


@app.command("sweep", epilog="Example:  lora ops sweep --json")
def sweep(
    context: typer.Context,
    wait_s: Annotated[float, typer.Option("--wait", min=1, max=3600, help="Wait at most this many seconds.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Have every unfinished training looked after now, and leftover ZIPs deleted; print what was found.

    It is the monitor's tick, which otherwise comes every minute. Exit code 1
    where the monitor did not come to it in time.
    """
    client = client_of(context)
    with _as_operator():
        found = _done(client, client.post("/v1/ops/sweeps"), wait_s)
    if as_json:
        print_json(found)
        return
    lines = [{**one, "source": one["training_id"], "kind": "event"} for one in found["found"]]
    show_timeline(lines, stdout())
    counts = f"{found['checked']} trainings looked after, {found['swept']} leftover ZIPs deleted."
    say(stdout(), counts, style="yellow" if found["hindered"] else "green")
    if found["hindered"]:
        say(stderr(), f"{found['hindered']} could not be looked after: the next tick tries again.")


def letter_facts(letter: Document) -> dict[str, object]:
    """A dead letter as names and values for people."""
    return {
        "id": letter["id"],
        "topic": letter["topic"],
        "training": letter["training_id"],
        "training is": letter["training_status"],
        "tries": letter["attempts"],
        "why": letter["reason"] or None,
        "unreadable": letter["problem"] or None,
        "size": size(letter["size"]),
        **{name: value for name, value in letter["fields"].items() if name != "training_id"},
        "sent": when(letter["published_at"]),
    }


@contextmanager
def _as_operator() -> Iterator[None]:
    try:
        yield
    except ApiProblem as problem:
        problem.hint = _HINTS.get(problem.code, problem.hint)
        raise


_LETTERS = "A dead letter is delivered again with: lora ops dead-letters redrive LETTER"
_HINTS = {
    "not_found": "This is for operators: those whom OPERATORS names, and everybody with AUTH_MODE=local.",
    "training_not_found": "It takes the id of anybody's training, as dead letters and the log have it: t_ and 24 signs."
    f" {_LETTERS}",
    "images_not_found": "It takes the id of anybody's pictures, as dead letters and the log have it: i_ and 24 signs."
    f" {_LETTERS}",
    "dead_letter_not_found": "Ids of dead letters are like training-requested-packager.42: lora ops dead-letters list. "
    "A training's step is announced again with: lora ops redrive JOB",
}


def _settled(client: ApiClient, chosen: list[str], verb: str, told: str, *, as_json: bool) -> list[Document]:
    """Each letter as it was; told one by one, so that an error later on hides nothing."""
    done = []
    for letter_id in chosen:
        done.append(client.post(at("ops", "dead-letters", letter_id, verb)))
        if not as_json:
            say(stdout(), told.format(clean(letter_id)))
    return done


def _done(client: ApiClient, sweep: Document, wait_s: float) -> Document:
    """The sweep when it is done; `SweepPending` where that takes longer than `wait_s` seconds."""
    deadline = time.monotonic() + wait_s
    while not sweep["done"]:
        if time.monotonic() > deadline:
            raise SweepPending(sweep, wait_s)
        time.sleep(POLL_S)
        sweep = client.get(at("ops", "sweeps", sweep["id"]))
    return sweep
