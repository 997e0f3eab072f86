"""Every query that the repositories make has its index, for production refuses one without; the emulator does not."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

import pytest
from google.cloud.firestore import Client
from google.cloud.firestore_v1.types import StructuredQuery

from shared.accounts import Account
from shared.adapters.google import accounts, erasures, jobs, models, notices, shoots, stories
from shared.adapters.google.erasures import FirestoreErasures
from shared.adapters.google.indexes import EXPIRING, INDEXES, UNINDEXED, Index
from shared.adapters.google.jobs import FirestoreImageJobs, FirestoreTrainings
from shared.adapters.google.models import FirestoreModels, NumberedName
from shared.adapters.google.shoots import FirestoreShoots
from shared.adapters.google.stories import FirestoreStories
from shared.adapters.google.views import IMAGE_VIEWS, TRAINING_VIEWS
from shared.erasing.receipt import Cause, Erasure, State
from shared.erasing.things import Subject
from shared.image_jobs import ImageJob, Origin
from shared.models import Model
from shared.settings import StoreSettings
from shared.shoots import Shoot
from shared.stages import Attention, Status
from shared.stories import Outcome, StoryEntry
from shared.trainings import Training
from tests.builders import AT
from tests.contracts.google_wire import RecordQueries, firestore_through

NOBODY = StoreSettings.model_validate({"GOOGLE_CLOUD_PROJECT": "nobody", "firestore_emulator_host": "127.0.0.1:1"})

# What `Documents` has for asking; whoever calls it makes a query.
ASKING = {"page", "oldest", "matching", "delete_where"}

STORED: Mapping[str, type] = {
    "accounts": Account,
    "shoots": Shoot,
    "trainings": Training,
    "image_jobs": ImageJob,
    "models": Model,
    "model_names": NumberedName,
    "stories": StoryEntry,
    "erasures": Erasure,
}

# What a document holds as one value.
SINGLE = {str, int, float, bool, datetime, Status, Attention, Outcome, Subject, State, Cause, Origin}

QUERIES: Mapping[str, Callable[[Client], object]] = {
    "FirestoreShoots.list_for_owner": lambda c: FirestoreShoots(c).list_for_owner("o", limit=1),
    "FirestoreModels.list_for_owner": lambda c: FirestoreModels(c).list_for_owner("o", limit=1),
    "FirestoreModels.latest_for_shoots": lambda c: FirestoreModels(c).latest_for_shoots("o", ["s"]),
    "FirestoreModels.find_by_recipe": lambda c: FirestoreModels(c).find_by_recipe("o", "recipe"),
    "FirestoreModels.list_versions": lambda c: FirestoreModels(c).list_versions("o", "p", "name"),
    "FirestoreTrainings.list_followed": lambda c: FirestoreTrainings(c).list_followed(limit=1),
    "FirestoreTrainings.list_watched": lambda c: FirestoreTrainings(c).list_watched(unchanged_since=AT, limit=1),
    "FirestoreTrainings.list_succeeded": lambda c: FirestoreTrainings(c).list_succeeded("trainer", limit=1),
    "FirestoreTrainings.list_ended": lambda c: FirestoreTrainings(c).list_ended(
        Status.FAILED, unchanged_since=AT, limit=1
    ),
    "FirestoreTrainings.list_ended of an owner": lambda c: FirestoreTrainings(c).list_ended(
        Status.FAILED, unchanged_since=AT, limit=1, owner_id="o"
    ),
    "FirestoreTrainings.list_for_owner": lambda c: FirestoreTrainings(c).list_for_owner("o", limit=1),
    "FirestoreTrainings.list_for_owner by status": lambda c: FirestoreTrainings(c).list_for_owner(
        "o", limit=1, status=Status.FAILED
    ),
    "FirestoreTrainings.list_for_owner by shoot": lambda c: FirestoreTrainings(c).list_for_owner(
        "o", limit=1, shoot_id="s"
    ),
    "FirestoreTrainings.list_for_owner by both": lambda c: FirestoreTrainings(c).list_for_owner(
        "o", limit=1, status=Status.FAILED, shoot_id="s"
    ),
    "FirestoreTrainings.list_by_recipe": lambda c: FirestoreTrainings(c).list_by_recipe("o", "r", [Status.FAILED]),
    "FirestoreErasures.list_for_owner": lambda c: FirestoreErasures(c).list_for_owner("o", limit=1),
    "FirestoreErasures.list_open": lambda c: FirestoreErasures(c).list_open(unchanged_since=AT, limit=1),
    "FirestoreStories.forget": lambda c: FirestoreStories(c).forget("t"),
    "FirestoreImageJobs.list_for_owner": lambda c: FirestoreImageJobs(c).list_for_owner("o", limit=1),
    "FirestoreImageJobs.list_for_owner by model": lambda c: FirestoreImageJobs(c).list_for_owner(
        "o", limit=1, model_id="m"
    ),
    "FirestoreImageJobs.list_for_owner by comparison": lambda c: FirestoreImageJobs(c).list_for_owner(
        "o", limit=1, group_id="g"
    ),
    "FirestoreImageJobs.list_ended": lambda c: FirestoreImageJobs(c).list_ended(
        Status.FAILED, unchanged_since=AT, limit=1
    ),
    "FirestoreImageJobs.list_ended of an owner": lambda c: FirestoreImageJobs(c).list_ended(
        Status.FAILED, unchanged_since=AT, limit=1, owner_id="o"
    ),
    "FirestoreImageJobs.list_followed": lambda c: FirestoreImageJobs(c).list_followed(limit=1),
    "FirestoreImageJobs.list_watched": lambda c: FirestoreImageJobs(c).list_watched(unchanged_since=AT, limit=1),
    "FirestoreStories.list_for_training": lambda c: FirestoreStories(c).list_for_training("t", limit=1),
}


def made_by(ask: Callable[[Client], object]) -> StructuredQuery:
    """The one query that `ask` makes."""
    record = RecordQueries()
    with firestore_through(NOBODY, record) as client:
        ask(client)
    (query,) = record.queries
    return query


def methods_that_ask() -> Iterator[str]:
    """Every method of a repository that makes a query, as its code says."""
    for module in (accounts, erasures, jobs, models, notices, shoots, stories):
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == module.__name__ and name.startswith("Firestore"):
                for method, function in inspect.getmembers(kind, inspect.isfunction):
                    if ASKING & set(_attributes(ast.parse(textwrap.dedent(inspect.getsource(function))))):
                        yield f"{name}.{method}"


def test_no_query_is_forgotten_here() -> None:
    assert {name.split()[0] for name in QUERIES} == set(methods_that_ask())


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_has_its_index(name: str) -> None:
    query = made_by(QUERIES[name])
    collection = query.from_[0].collection_id
    if query.order_by:
        assert needed_index(query) in {in_order(index) for index in INDEXES}
    else:
        # what only compares for equality is answered from the single-field indexes, where there are some
        assert not {(collection, field) for field, _ in filtered(query)} & set(UNINDEXED)


def test_every_index_has_its_query() -> None:
    needed = {needed_index(query) for query in map(made_by, QUERIES.values()) if query.order_by}
    assert needed == {in_order(index) for index in INDEXES}


def test_no_query_looks_for_what_is_not_indexed() -> None:
    named = {(index.collection, field) for index in INDEXES for field, _ in index.fields}
    assert not named & set(UNINDEXED)


def test_what_is_no_single_value_has_no_index_of_its_own() -> None:
    """Each of its parts would be an entry, and there is no end of them."""
    nested = {
        (collection, name)
        for collection, kind in STORED.items()
        for name, annotation in get_type_hints(kind).items()
        if get_origin(annotation) is not ClassVar and not is_single(annotation)
    }
    views = {"trainings": TRAINING_VIEWS, "image_jobs": IMAGE_VIEWS}
    shown = {
        (views[collection].collection, field)
        for collection, field in nested
        if collection in views and field in views[collection].fields
    }
    assert nested | shown <= set(UNINDEXED)


def test_nothing_is_looked_up_by_when_it_expires() -> None:
    """An index on times that only grow would be one hot place for all writes."""
    assert set(EXPIRING) <= set(UNINDEXED)


def is_single(annotation: Any) -> bool:
    """Whether a field of that type, None aside, is one value."""
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return set(kinds) <= {*SINGLE, NoneType}


def filtered(query: StructuredQuery) -> list[tuple[str, str]]:
    """The fields that `query` compares for equality, by their names, as an index has them.

    A field may also be compared with the bound of the order that the results come in: that needs no more.
    """
    where = query.where
    filters = where.composite_filter.filters if "composite_filter" in where else [where]
    first = query.order_by[0].field.field_path if query.order_by else ""
    filters = [one for one in filters if one.field_filter.field.field_path != first]
    operators = {one.field_filter.op.name for one in filters}
    assert operators <= {"EQUAL", "IN"}, "another comparison needs another kind of index: teach this test about it"
    return sorted((one.field_filter.field.field_path, "ASCENDING") for one in filters)


def needed_index(query: StructuredQuery) -> Index:
    """The composite index for `query`: its filters by their names, then its order."""
    order = [(one.field.field_path, one.direction.name) for one in query.order_by]
    if order[-1][0] != "__name__":
        order.append(("__name__", order[-1][1]))
    return Index(query.from_[0].collection_id, (*filtered(query), *order))


def in_order(index: Index) -> Index:
    """`index` with its filters by their names: their order does not matter, that of the last two does."""
    return Index(index.collection, (*sorted(index.fields[:-2]), *index.fields[-2:]))


def _attributes(node: ast.AST) -> Iterator[Any]:
    return (child.attr for child in ast.walk(node) if isinstance(child, ast.Attribute))
