"""What a training asks of the services that bill by the operation: counted, and compared with docs/scale.md."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.figures import Figure
from tests.operations import COLUMNS, Operations, Tally, add_shoot, count_training, counted_functions, described

REPEATED = ("progress", "tick")


def operations() -> Iterator[Figure]:
    """Every operation of a training's steps, with 12 and with 120 pictures."""
    few, many = (_steps(pictures) for pictures in (12, 120))
    told = described()
    for column in COLUMNS:
        counted = sum(steps[column] for name, steps in few.items() if name not in REPEATED)
        more = sum(steps[column] for name, steps in many.items() if name not in REPEATED) - counted
        each = told["each picture"][column]
        expected = sum(told[name][column] for name in few if name not in REPEATED) + 12 * each
        yield Figure(
            name=f"operations {column}",
            value=counted,
            unit="",
            peer="docs/scale.md",
            peer_value=expected,
            ratio=counted / expected if expected else None,
            goal="equal, and a picture more is what the table says",
            held=counted == expected and more == 108 * each,
            note="12 pictures without captions, progress and ticks left out",
        )


def _steps(pictures: int) -> dict[str, Operations]:
    tally = Tally()
    functions = counted_functions(tally)
    add_shoot(functions, pictures=4, captions=0, shoot_id="s_0")
    count_training(functions, tally, shoot_id="s_0", key="first")
    add_shoot(functions, pictures=pictures, captions=0)
    return count_training(functions, tally, key="second")
