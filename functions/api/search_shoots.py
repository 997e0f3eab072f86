"""Finding a shoot by a part of its costume's name: no database of ours looks for that, so we look through them."""

from __future__ import annotations

from shared.ports import Page, ShootRepository
from shared.shoots import Shoot

# How often the database is asked for one page of an answer; each time for at most as many shoots as may still be shown.
MOST_QUESTIONS = 10


def search_shoots(
    owner_id: str, search: str, *, limit: int, cursor: str | None, shoots: ShootRepository
) -> Page[Shoot]:
    """The owner's shoots with `search` in their costume's name, newest first, whatever the case of the letters.

    A page can have fewer than `limit` shoots, even none, and still be followed by another one.
    """
    wanted = search.casefold()
    found: list[Shoot] = []
    for _ in range(MOST_QUESTIONS):
        page = shoots.list_for_owner(owner_id, limit=limit - len(found), cursor=cursor)
        found += [shoot for shoot in page.items if wanted in shoot.costume_name.casefold()]
        cursor = page.next_cursor
        if cursor is None or len(found) == limit:
            break
    return Page(items=tuple(found), next_cursor=cursor)
