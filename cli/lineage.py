"""`lora models tree`, `diff` and `promote`: where versions come from, how they differ, and which one is current."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from cli.client import at
from cli.context import client_of
from cli.models import ModelId
from cli.output import AsJson, ago, clean, print_json, say, show_facts, show_table, stdout, usd
from cli.parameters import value_as_given

Document = dict[str, Any]

_NAMES = 5


def show_tree(context: typer.Context, model_id: ModelId, as_json: AsJson = False) -> None:
    """Show every version of a model's name as a tree: from which it grew, and what was different then."""
    found = client_of(context).get(at("models", model_id, "lineage"))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            f"{_branch(depth)}v{item['model']['version']}{' (current)' if item['current'] else ''}",
            item["model"]["id"],
            "; ".join(_item_words(item)),
            usd(item["model"]["cost_usd"]) if item["model"]["cost_usd"] is not None else None,
            ago(item["model"]["trained_at"]),
        )
        for depth, item in _as_tree(found["items"])
    ]
    show_table(stdout(), ("VERSION", "ID", "WHAT IS DIFFERENT", "COST", "TRAINED"), rows, wrap=True)


def show_diff(
    context: typer.Context,
    model_id: ModelId,
    then_id: Annotated[
        str | None, typer.Argument(metavar="THEN", help="The later of two; without it, MODEL after what it grew from.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show two models side by side, from MODEL to THEN: pictures, captions, settings, parameters and cost."""
    before_id, after_id = (model_id, then_id) if then_id else (None, model_id)
    found = client_of(context).get(at("models", after_id, "diff"), against=before_id)
    if as_json:
        print_json(found)
        return
    sides = [found["before"], found["after"]]
    header = ("", *(_title(side["model"]) for side in sides))
    rows = [
        ("trained", *(ago(side["model"]["trained_at"]) for side in sides)),
        ("cost", *(usd(c) if (c := side["model"]["cost_usd"]) is not None else None for side in sides)),
        ("pictures", *(_count(side, "pictures") for side in sides)),
        ("captions", *(_count(side, "captions") for side in sides)),
        ("current", *("yes" if side["current"] else "no" for side in sides)),
    ]
    difference = found["difference"]
    for change in (*difference["settings"], *difference["parameters"]):
        rows.append((change["name"], *(_value(change[side]) for side in ("before", "after"))))
    show_table(stdout(), header, rows)
    facts = dict(_dataset_facts(difference)) or {"dataset": "the same"}
    show_facts(stdout(), "Dataset", facts)


def promote(context: typer.Context, model_id: ModelId, as_json: AsJson = False) -> None:
    """Make a model the current version of its name. Until anybody does that, the newest one is."""
    model = client_of(context).post(at("models", model_id, "promote"))
    if as_json:
        print_json(model)
    else:
        say(stdout(), f"{clean(model['name'])} v{model['version']} is the current version now.", style="green")


def _as_tree(items: Sequence[Document]) -> Iterator[tuple[int, Document]]:
    """Each version with its depth, after the one that it grew from; the oldest first."""
    ids = {item["model"]["id"] for item in items}
    children: dict[str | None, list[Document]] = {}
    for item in sorted(items, key=lambda item: int(item["model"]["version"])):
        parent = item["model"]["parent_model_id"]
        children.setdefault(parent if parent in ids else None, []).append(item)

    def below(parent: str | None, depth: int) -> Iterator[tuple[int, Document]]:
        for item in children.get(parent, []):
            yield depth, item
            yield from below(item["model"]["id"], depth + 1)

    return below(None, 0)


def _branch(depth: int) -> str:
    """What stands before a version, so that it hangs from the one above it; none begins with a space."""
    return f"{'│ ' * (depth - 1)}└ " if depth else ""


def _item_words(item: Document) -> Iterator[str]:
    if item["parent_is_gone"]:
        yield "what it grew from is deleted"
    if item["model"]["continues"]:
        yield "continues"
    if (difference := item["difference"]) is None:
        return
    if not difference["same_dataset"]:
        told = [f"{name} {words}" for name, words in _counted(difference)]
        yield ", ".join(told) or "another dataset"
    changed = (*difference["settings"], *difference["parameters"])
    yield from (f"{c['name']} {_value(c['before'])} → {_value(c['after'])}" for c in changed)


def _counted(difference: Document) -> Iterator[tuple[str, str]]:
    for what, files in (difference["dataset"] or {}).items():
        told = [f"{sign}{len(files[kind])}" for sign, kind in _SIGNS.items() if files[kind]]
        if told:
            yield what, " ".join(told)


_SIGNS: Mapping[str, str] = {"+": "added", "-": "removed", "~": "changed"}


def _dataset_facts(difference: Document) -> Iterator[tuple[str, str]]:
    if difference["same_dataset"]:
        return
    if difference["dataset"] is None:
        yield "dataset", "another one; which files it had was not kept"
    for what, files in (difference["dataset"] or {}).items():
        for kind in _SIGNS.values():
            if files[kind]:
                yield f"{what} {kind}", _names(files[kind])


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES])
    return f"{shown} and {len(names) - _NAMES} more" if len(names) > _NAMES else shown


def _title(model: Document) -> str:
    return f"{model['name']} v{model['version']}"


def _count(side: Document, what: str) -> object:
    return side["dataset"][what] if side["dataset"] else None


def _value(value: object) -> str:
    return "none" if value is None else value_as_given(value)
