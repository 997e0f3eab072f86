"""What every `ShootRepository` promises."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import InvalidRequest, ShootNotFound
from tests.builders import AT, a_shoot
from tests.contracts.backend import Backend


def test_a_shoot_is_read_as_it_was_created(backend: Backend, own: str) -> None:
    shoot = a_shoot(id=f"s_{own}", costume_name="Rotkäppchen 🧺 'x'")
    backend.shoots.create(shoot)
    assert backend.shoots.get(shoot.id) == shoot


def test_creating_twice_keeps_the_first(backend: Backend, own: str) -> None:
    first = a_shoot(id=f"s_{own}")
    assert backend.shoots.create(first) is True
    assert backend.shoots.create(a_shoot(id=f"s_{own}", costume_name="Wolf")) is False
    assert backend.shoots.get(f"s_{own}") == first


def test_an_unknown_shoot_is_not_found(backend: Backend, own: str) -> None:
    with pytest.raises(ShootNotFound, match=own):
        backend.shoots.get(f"s_{own}")


def test_owners_see_their_own_shoots_newest_first(backend: Backend, own: str) -> None:
    mine = [
        a_shoot(id=f"s_{own}_{n}", owner_id=f"owner-{own}", created_at=AT + n * timedelta(days=1)) for n in range(3)
    ]
    for shoot in (*mine, a_shoot(id=f"s_{own}_other", owner_id=f"other-{own}")):
        backend.shoots.create(shoot)
    page = backend.shoots.list_for_owner(f"owner-{own}", limit=10)
    assert page.items == tuple(reversed(mine))
    assert page.next_cursor is None


def test_an_owner_without_shoots_has_an_empty_page(backend: Backend, own: str) -> None:
    page = backend.shoots.list_for_owner(own, limit=10)
    assert (page.items, page.next_cursor) == ((), None)


@pytest.mark.parametrize("cursor", ["", "nonsense", "W10=", "WyJhIiwgMV0=", "é", "WzEsICJhIiwgMl0="])
def test_a_cursor_that_no_listing_gave_is_refused(backend: Backend, own: str, cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        backend.shoots.list_for_owner(own, limit=10, cursor=cursor)
