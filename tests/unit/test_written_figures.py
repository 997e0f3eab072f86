"""What was measured is written down once for people and once for programs, and both say the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.figures import Figure, at_most, printed
from tests.bench.written import PAGE, RESULTS, cells, table, with_table, write_down

FIGURES = [
    at_most("reading", 3.0, "s", peer="copying", peer_value=2.0, times=1.3, note="60 pictures"),
    printed("looking", 1234.5, "1/s"),
]
EMPTY = "# Page\n<!-- measured: embedded -->\n<!-- end -->\nand <!-- measured: emulators -->old<!-- end -->\n"


def test_a_figure_is_told_with_its_peer_its_goal_and_whether_that_held() -> None:
    assert cells(FIGURES[0]) == ("reading", "3 s", "copying: 2 s", "1.50", "≤ 1.3 ×", "no", "60 pictures")
    assert cells(FIGURES[1]) == ("looking", "1,234 1/s", "", "", "", "", "")


def test_a_measurement_replaces_the_one_before_on_the_same_backend_alone(tmp_path: Path) -> None:
    results, page = tmp_path / "results.json", tmp_path / "page.md"
    page.write_text(EMPTY)
    for backend, figures in (("embedded", FIGURES[:1]), ("emulators", FIGURES[1:]), ("embedded", FIGURES)):
        write_down(figures, backend, results=results, page=page)
    written = json.loads(results.read_text())
    assert [figure["name"] for figure in written["embedded"]["figures"]] == ["reading", "looking"]
    assert [figure["name"] for figure in written["emulators"]["figures"]] == ["looking"]
    text = page.read_text()
    assert text.count("| `reading` |") == 1
    assert text.count("| `looking` |") == 2
    assert "old" not in text
    assert text.startswith("# Page\n")


def test_a_page_without_marks_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="embedded"):
        with_table("# Page\n", "embedded", "| a |")


def test_the_page_tells_what_was_measured() -> None:
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    text = PAGE.read_text()
    for backend, measured in known.items():
        figures = [Figure(**figure) for figure in measured["figures"]]
        assert with_table(text, backend, table(figures)) == text
