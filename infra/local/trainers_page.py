"""The tables in docs/trainers.md, made from the registry: `python -m infra.local.trainers_page` writes them anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from shared.trainers import TRAINERS, Preset, TrainerSpec
from shared.trainers.checking import range_words
from shared.trainers.entry import Pictures
from shared.trainers.parameters import Parameter, Value

PAGE = Path(__file__).resolve().parents[2] / "docs" / "trainers.md"
BEGIN, END = "<!-- made by infra/local/trainers_page.py -->\n", "<!-- end -->\n"


def tables() -> str:
    """What the registry holds, as Markdown: all trainers side by side, then the parameters of each."""
    parts = [_table(_OVERVIEW, map(_overview_row, TRAINERS.values()))]
    for spec in TRAINERS.values():
        parts.append(f"### {spec.name}\n\n{_about(spec)}")
        parts.append(_table(_PARAMETERS, (_parameter_row(spec, parameter) for parameter in spec.parameters)))
    return "\n".join(parts)


_OVERVIEW = (
    "trainer",
    "for",
    "pictures",
    "price",
    "data field",
    "trigger word",
    "weights",
    "continues",
    "pictures with it",
)
_PARAMETERS = ("parameter", "takes", "default", *Preset)


def _overview_row(spec: TrainerSpec) -> Iterator[str]:
    price, pictures = spec.price, spec.base_model.pictures
    yield f"`{spec.endpoint}`, v{spec.version}"
    yield spec.base_model.title
    yield f"≥ {spec.minimum_images}"
    yield (
        f"${price.usd:g} per {price.unit}{f', at least {price.at_least}' if price.at_least else ''}"
        if price
        else "not known"
    )
    yield f"`{spec.data_field}`"
    yield f"`{spec.trigger_field}`" if spec.trigger_field else f"in captions and `{spec.default_caption}`"
    yield ", ".join(f"`{output.output}`" for output in spec.weights)
    yield f"`{spec.resume_field}`" if spec.resume_field else "–"
    yield _pictures(pictures) if pictures else "–"


def _pictures(pictures: Pictures) -> str:
    price = f"${pictures.price.usd:g} per megapixel" if pictures.price else "price not known"
    return f"`{pictures.endpoint}`, {price}"


def _about(spec: TrainerSpec) -> str:
    return f"{spec.summary} Source: {'; '.join(spec.source)}.\n"


def _parameter_row(spec: TrainerSpec, parameter: Parameter) -> Iterator[str]:
    yield f"`{parameter.name}`"
    yield _takes(parameter)
    yield _value(parameter.default)
    for preset in Preset:
        given = spec.presets.get(preset)
        yield "–" if given is None else _value(given[parameter.name]) if parameter.name in given else ""


def _takes(parameter: Parameter) -> str:
    if parameter.choices:
        return ", ".join(map(_value, parameter.choices))
    words = f"{parameter.kind}, {range_words(parameter)}" if range_words(parameter) else str(parameter.kind)
    return f"{words}, in steps of {parameter.step}" if parameter.step else words


def _value(value: Value) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value != "" else "empty"


def _table(header: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def rewritten(page: str) -> str:
    """The page with the tables as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text()))
