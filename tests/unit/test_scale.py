"""docs/scale.md tells what a training asks: counted here, so that the table cannot lie."""

from __future__ import annotations

import re

import pytest

from tests.operations import (
    CLASS_A,
    CLASS_B,
    COLUMNS,
    DOCUMENT,
    READS,
    WRITES,
    Operations,
    Tally,
    add_shoot,
    count_images,
    count_training,
    counted_functions,
    described,
    headings,
    less,
    summed,
)

# what the row `a training` stands for
PICTURES, CAPTIONS, MINUTES = 24, 24, 10


def second_training(*, pictures: int, captions: int) -> dict[str, Operations]:
    """The steps of a training of somebody who has trained before."""
    tally = Tally()
    functions = counted_functions(tally)
    add_shoot(functions, pictures=4, captions=0, shoot_id="s_0")
    count_training(functions, tally, shoot_id="s_0", key="first")
    add_shoot(functions, pictures=pictures, captions=captions)
    return count_training(functions, tally, key="second")


def set_of_pictures(count: int) -> dict[str, Operations]:
    """The steps of a set of so many pictures."""
    tally = Tally()
    functions = counted_functions(tally)
    add_shoot(functions, pictures=4, captions=0)
    count_training(functions, tally)
    return count_images(functions, tally, pictures=count)


@pytest.fixture(scope="module")
def counted() -> dict[str, Operations]:
    """Every row of the table, counted."""
    steps = second_training(pictures=12, captions=6)
    more_pictures = less(second_training(pictures=13, captions=6)["package"], steps["package"])
    more_captions = less(second_training(pictures=12, captions=7)["package"], steps["package"])
    package = dict(steps["package"])
    for column in COLUMNS:
        package[column] -= 12 * more_pictures[column] + 6 * more_captions[column]
    pictures = set_of_pictures(4)
    each = {
        column: n // 3 for column, n in less(pictures["keep pictures"], set_of_pictures(1)["keep pictures"]).items()
    }
    pictures["keep pictures"] = less(pictures["keep pictures"], summed([each] * 4))
    one_more = {"each picture": more_pictures, "each caption": more_captions, "each picture kept": each}
    return {**steps, "package": package, **pictures, **one_more}


def test_the_table_has_the_columns_that_are_counted() -> None:
    assert headings() == COLUMNS


def test_a_training_asks_for_what_the_table_says(counted: dict[str, Operations]) -> None:
    told = described()
    del told["a training"], told["a set of pictures"]
    assert counted == told


def test_the_number_of_pictures_changes_one_read_each_and_nothing_else() -> None:
    few, many = second_training(pictures=4, captions=2), second_training(pictures=40, captions=20)
    assert less(many["package"], few["package"]) == {column: 36 + 18 if column == CLASS_B else 0 for column in COLUMNS}
    assert {name: few[name] for name in few if name != "package"} == {
        name: many[name] for name in many if name != "package"
    }


def test_the_whole_is_the_sum_of_its_parts() -> None:
    told = described()
    steps = second_training(pictures=4, captions=0)
    once = [told[step] for step in steps if step not in ("tick", "progress")]
    # in its first minute the run began
    repeated = [told["progress"]] * (MINUTES - 1)
    pictures = [told["each picture"]] * PICTURES + [told["each caption"]] * CAPTIONS
    assert summed([*once, *repeated, *pictures]) == told["a training"]


def test_a_whole_set_of_pictures_is_the_sum_of_its_parts() -> None:
    told = described()
    parts = [told[step] for step in set_of_pictures(1)] + [told["each picture kept"]] * 4
    assert summed(parts) == told["a set of pictures"]


def test_a_first_training_asks_for_what_the_notes_say() -> None:
    tally = Tally()
    functions = counted_functions(tally)
    add_shoot(functions, pictures=12, captions=6)
    first = count_training(functions, tally)
    second = second_training(pictures=12, captions=6)
    changed = {step: less(first[step], second[step]) for step in first if first[step] != second[step]}
    none = dict.fromkeys(COLUMNS, 0)
    assert changed == {"start": {**none, READS: 1, WRITES: 1}, "mirror": {**none, READS: -2}}


def test_the_costs_are_the_counted_operations_times_their_prices() -> None:
    rows = re.findall(r"^\| ([\w ]+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert len(rows) == 5
    for item, number, price, cost in rows:
        assert float(cost) == pytest.approx(int(number) * float(price) / 1e6, abs=0.006), item
    told, of_thousand = described()["a training"], {item: int(number) / 1000 for item, number, _, _ in rows}
    assert of_thousand["document reads"] == told[READS]
    assert of_thousand["document writes"] == told[WRITES]
    assert (of_thousand["class A"], of_thousand["class B"]) == (told[CLASS_A], told[CLASS_B])
