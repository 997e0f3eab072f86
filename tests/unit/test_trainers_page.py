"""docs/trainers.md tells what the registry holds."""

from __future__ import annotations

from infra.local.trainers_page import PAGE, rewritten, tables
from shared.trainers import TRAINERS
from tests.invented_trainer import with_glitter


def test_the_tables_are_those_of_the_registry() -> None:
    page = PAGE.read_text()
    assert page == rewritten(page), "run: python -m infra.local.trainers_page"


def test_every_trainer_and_parameter_is_in_them() -> None:
    with with_glitter():
        told = tables()
        for spec in TRAINERS.values():
            assert f"`{spec.endpoint}`" in told
            assert all(f"`{parameter.name}`" in told for parameter in spec.parameters)
