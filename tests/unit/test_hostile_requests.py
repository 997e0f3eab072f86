"""Requests that nobody sends by accident: each is answered with a problem, tells nothing of us, and changes nothing."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from posixpath import normpath
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.problems import MEDIA_TYPE
from shared.stages import Status
from tests.api_operations import ANY_NAME, Operation, example_of, operations, resolved
from tests.api_world import ApiWorld, api_world
from tests.builders import a_model, a_shoot, a_training
from tests.hostile_pictures import JPEG

IDS = {"shoot_id": "s_1", "training_id": "t_1", "model_id": "m_1"}
LARGEST_PROBLEM = 8 << 10

# asks other services, and says so with a status of its own
OPERATIONS = [operation for operation in operations() if operation.path != "/v1/doctor"]
WITH_BODY = [operation for operation in OPERATIONS if operation.body_schema]
WITH_ID = [operation for operation in OPERATIONS if "{" in operation.path]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """A user with a shoot, a training that has ended, and a model; nothing limits how much may be asked."""
    unlimited = {"RATE_LIMIT_PER_MINUTE": "0", "TRAININGS_AT_ONCE": "0", "BUDGET_USD_PER_DAY": "0"}
    with api_world(tmp_path_factory.mktemp("hostile"), **unlimited) as world:
        world.shoots.create(a_shoot(id="s_1", owner_id=world.user))
        for number in range(4):
            world.put("s_1", f"{number}.jpg", JPEG)
        world.trainings.create(a_training(status=Status.SUCCEEDED, id="t_1", owner_id=world.user))
        files = {f"{kind}_uri": f"{world.kept.uri}/{kind}" for kind in ("lora", "config")}
        world.models.create(a_model(id="m_1", owner_id=world.user, **files))
        yield world


def kept(world: ApiWorld) -> object:
    """Everything that is stored."""
    return (
        world.shoots.list_for_owner(world.user, limit=1000),
        world.trainings.list_for_owner(world.user, limit=1000),
        world.models.list_for_owner(world.user, limit=1000),
        list(world.pictures.list("")),
        list(world.kept.list("")),
    )


def raw(headers: Mapping[str, str]) -> Mapping[bytes, bytes]:
    """Headers as their bytes, which the client would else refuse to send."""
    return {name.encode(): value.encode("latin-1") for name, value in headers.items()}


def path_of(operation: Operation, **ids: str) -> str:
    return re.sub(r"{(\w+)}", lambda found: {**IDS, **ids}.get(found[1], ANY_NAME), operation.path)


def ask(world: ApiWorld, operation: Operation, path: str = "", **request: Any) -> httpx2.Response:
    """Ask for the operation as it is meant to be asked, but for what `request` says."""
    parameters = operation.document.get("parameters", ())
    needed = {p["name"]: example_of(p["schema"]) for p in parameters if p["in"] == "query" and p.get("required")}
    sent: dict[str, Any] = {"params": needed}
    if operation.body_schema and "content" not in request:
        sent["json"] = example_of(operation.body_schema)
    return world.client.request(operation.method, path or path_of(operation), **{**sent, **request})


def assert_answered(answer: httpx2.Response) -> None:
    """Whether it is no error of ours, and a refusal is a small problem that tells nothing of the inside."""
    assert answer.status_code < 500, answer.text
    if answer.status_code < 400:
        return
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert {"type", "title", "status", "detail", "code", "retryable"} <= set(answer.json())
    assert len(answer.content) <= LARGEST_PROBLEM
    assert not re.search(r"Traceback|\.py\b|site-packages|/home/|/root/|/tmp/|sqlite|0x[0-9a-f]{6}", answer.text)


def test_a_request_that_is_meant_well_is_answered_well(world: ApiWorld) -> None:
    """Otherwise everything below would hold for an API that refuses everything."""
    reads = [operation for operation in OPERATIONS if operation.method == "GET"]
    good = {operation.path for operation in reads if ask(world, operation).is_success}
    kinds = ("shoots", "trainings", "models")
    assert good >= {f"/v1/{kind}{tail}" for kind in kinds for tail in ("", f"/{{{kind[:-1]}_id}}")}
    assert len(good) >= 12


# --- bodies

DEEP = 100_000
BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "white space": b" " * 1000,
    "no UTF-8": b'{"costume_name": "\xff\xfe", "person_id": "p"}',
    "UTF-16": '{"costume_name": "a"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"x": 1}',
    "lists without end": b"[" * DEEP,
    "objects without end": b'{"a":' * DEEP,
    "deep lists": b"[" * 900 + b"]" * 900,
    "deep parameters": b'{"parameters": {"steps": ' + b"[" * 900 + b"]" * 900 + b"}}",
    "no number": b'{"parameters": {"steps": NaN}, "shoot_id": "s_1", "trigger_word": "TOK"}',
    "infinity": b'{"parameters": {"steps": Infinity}, "shoot_id": "s_1", "trigger_word": "TOK"}',
    "1e400": b'{"parameters": {"steps": 1e400}, "shoot_id": "s_1", "trigger_word": "TOK"}',
    "a number of 100,000 digits": b'{"parameters": {"steps": ' + b"9" * DEEP + b"}}",
    "a number of 4,000 digits": b'{"parameters": {"steps": ' + b"9" * 4000 + b"}}",
    "no number, by a wrong name": b'{"parameters": {"x": NaN}, "shoot_id": "s_1", "trigger_word": "TOK"}',
    "half a character as a name": b'{"costume_name": "\\ud800", "person_id": "p", "title": "\\ud800"}',
    "half a character as a trainer": b'{"trainer": "\\ud800", "shoot_id": "s_1", "trigger_word": "TOK"}',
    "half a character as a key": b'{"\\ud800": 1}',
    "half a character as a parameter": b'{"parameters": {"\\ud800": 1}, "shoot_id": "s_1", "trigger_word": "TOK"}',
    "half a character as a value": b'{"parameters": {"steps": "\\ud800"}, "shoot_id": "s_1", "trigger_word": "TOK"}',
    "half a character as a caption": b'{"captions": {"0": "\\ud800"}, "shoot_id": "s_1", "trigger_word": "TOK"}',
    "half a character as a picture": b'{"captions": {"\\ud800": "a"}, "shoot_id": "s_1", "trigger_word": "TOK"}',
    "half a character as an id": b'{"shoot_id": "\\ud800", "trigger_word": "TOK"}',
    "a zero in an id": b'{"shoot_id": "s_1\\u0000", "trigger_word": "TOK"}',
    "a path as an id": b'{"shoot_id": "../../shoots/s_1", "trigger_word": "TOK"}',
    "a name that a database keeps for itself": b'{"shoot_id": "__name__", "trigger_word": "TOK"}',
    "an end of line in a word": b'{"shoot_id": "s_1", "trigger_word": "TOK\\n"}',
    "a long text": json.dumps({"costume_name": "x" * 400_000, "title": "x" * 400_000, "person_id": "p"}).encode(),
    "many keys": json.dumps({f"key-{number}": number for number in range(20_000)}).encode(),
    "many parameters": json.dumps({"parameters": {f"key-{number}": 1 for number in range(20_000)}}).encode(),
    "long keys": json.dumps({"x" * 900_000: 1}).encode(),
    "a list": b"[]",
    "null": b"null",
    "a text": b'"x"',
    "a form": b"costume_name=a&person_id=p",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "gzip": gzip.compress(b'{"costume_name": "a", "person_id": "p"}'),
}
TYPES = {
    "JSON": "application/json",
    "text": "text/plain",
    "a form": "application/x-www-form-urlencoded",
    "parts": "multipart/form-data; boundary=x",
    "JSON in UTF-16": "application/json; charset=utf-16",
    "a problem": "application/problem+json",
    "nonsense": "x" * 4000,
}


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_a_body_that_makes_no_sense_is_a_problem_and_changes_nothing(world: ApiWorld, operation: Operation) -> None:
    before = kept(world)
    for what, body in BODIES.items():
        answer = ask(world, operation, content=body, headers={"Content-Type": "application/json"})
        assert_answered(answer)
        assert answer.status_code in (400, 404, 422), what
    assert kept(world) == before


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
@pytest.mark.parametrize("kind", TYPES)
def test_a_body_of_another_type_is_a_problem(world: ApiWorld, operation: Operation, kind: str) -> None:
    before, body = kept(world), json.dumps(example_of(operation.body_schema or {})).encode()
    for content in (b"--x\r\n\r\n\r\n--x--", b"a=b", gzip.compress(body)):
        answer = ask(world, operation, content=content, headers={"Content-Type": TYPES[kind]})
        assert_answered(answer)
        assert answer.status_code in (400, 404, 422)
    assert kept(world) == before


KINDS: Mapping[str, Mapping[str, Any]] = {
    "integer": {"true": True, "a text": "1", "1.0": 1.0},
    "number": {"true": True, "a text": "1"},
    "boolean": {"1": 1, "a text": "true"},
    "string": {"1": 1, "true": True},
}


def kinds_of(schema: Mapping[str, Any]) -> set[str]:
    """The kinds of plain values that the schema of a field, or of what is in its list, allows."""
    schema = resolved(dict(schema))
    inner = [kinds_of(option) for option in (*schema.get("anyOf", ()), schema.get("items", {})) if option]
    return set[str]().union({str(schema.get("type"))} & set(KINDS), *inner)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_a_value_of_another_kind_is_refused_by_its_fields_name(world: ApiWorld, operation: Operation) -> None:
    schema = resolved(operation.body_schema or {})
    meant_well = ask(world, operation).json().get("detail", "")
    assert not re.search(rf"\b({'|'.join(schema['properties'])})(\.\d)?: ", meant_well), meant_well
    before, tried = kept(world), 0
    for field, about in schema["properties"].items():
        is_list = any("items" in option for option in (resolved(about), *about.get("anyOf", ())))
        for kind in kinds_of(about):
            for what, wrong in KINDS[kind].items():
                body = {**example_of(schema), field: [wrong] if is_list else wrong}
                answer = ask(world, operation, json=body)
                assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), (field, what)
                assert re.search(rf"\b{field}(\.\d)?: ", answer.json()["detail"]), (what, answer.json()["detail"])
                tried += 1
    assert (tried > 0, kept(world)) == (True, before)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_a_field_that_there_is_not_is_refused_by_its_name(world: ApiWorld, operation: Operation) -> None:
    answer = ask(world, operation, json={**example_of(operation.body_schema or {}), "surprise": 1})
    assert (answer.status_code, "surprise" in answer.json()["detail"]) == (422, True)


def test_a_compressed_body_is_taken_for_what_it_is_and_never_unpacked(world: ApiWorld) -> None:
    bomb = gzip.compress(bytes(1 << 24))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = world.client.post("/v1/shoots", content=bomb, headers=headers)
    assert_answered(answer)
    assert answer.status_code == 400


def test_of_two_members_with_one_name_one_counts(world: ApiWorld) -> None:
    body = b'{"costume_name": "one", "costume_name": "other", "person_id": "p"}'
    answer = world.client.post("/v1/shoots", content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["costume_name"] == "other"


def test_a_problem_names_a_few_of_many_mistakes_and_counts_the_others(world: ApiWorld) -> None:
    answer = world.client.post("/v1/quotes", json={f"wrong-{number}": number for number in range(1000)})
    assert_answered(answer)
    assert "wrong-0" in answer.json()["detail"]
    assert "990 more" in answer.json()["detail"]


JSON_TEXTS = st.text(max_size=20) | st.sampled_from(
    ["\ud800", "\x00", "\u202e", "__name__", "..", "s_1", "TOK", "a" * 500]
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | JSON_TEXTS | st.sampled_from([10**400, 1e308, -0.0]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(JSON_TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_whatever_is_in_a_body_is_answered(world: ApiWorld, operation: Operation) -> None:
    example = example_of(operation.body_schema or {})

    @given(
        changes=st.dictionaries(st.sampled_from(sorted(example)) | JSON_TEXTS, JSON_VALUES, min_size=1, max_size=4),
        damage=st.none() | st.tuples(st.integers(0, 200), st.binary(max_size=6)),
    )
    @settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def fuzz(changes: Mapping[str, Any], damage: tuple[int, bytes] | None) -> None:
        body = json.dumps({**example, "force": False, **changes}).encode()
        if damage is not None:
            at, put_in = damage
            body = body[:at] + put_in + body[at + len(put_in) :]
        answer = ask(world, operation, content=body, headers={"Content-Type": "application/json"})
        assert_answered(answer)

    fuzz()


# --- ids, queries, headers

STRANGE_IDS = [
    "..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fshoots%2fs_1",
    "%00",
    "s_1%00",
    "%ff%fe",
    "%C0%AF",
    "%ED%A0%80",
    "__name__",
    "a%2fb",
    "a%5cb",
    "%0d%0aSet-Cookie:%20a=b",
    "'%20OR%201=1--",
    "%7Bid%7D",
    "%F0%9F%90%BA",
    "%",
    "%zz",
    "*",
    "S_1",
    "s_1%20",
    "x" * 2000,
]


@pytest.mark.parametrize("operation", WITH_ID, ids=str)
def test_an_id_that_nobody_gave_is_not_found(world: ApiWorld, operation: Operation) -> None:
    before = kept(world)
    (first, *_) = re.findall(r"{(\w+)}", operation.path)
    for strange in STRANGE_IDS:
        path = path_of(operation, **{first: strange})
        if any(normpath(path) == other.path and operation.method == other.method for other in OPERATIONS):
            continue  # a client that tidies paths up has asked for something else
        answer = ask(world, operation, path)
        assert_answered(answer)
        assert answer.status_code in (404, 405, 422), strange
        assert "set-cookie" not in answer.headers
    assert kept(world) == before


def a_cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("latin-1")).decode()


STRANGE_QUERIES: Mapping[str, list[str]] = {
    "limit": ["0", "-1", "1001", "1e2", "NaN", "9" * 5000, "٣", "", "true", "0x1"],
    "cursor": [
        *(a_cursor("[" * count) for count in (1, 1000, 20_000)),
        *map(a_cursor, ['[1,"\\ud800"]', '[1e400,"a"]', '[NaN,"a"]', f'[{"9" * 4400},"a"]', '[true,"a"]', '[1,"a",2]']),
        *map(a_cursor, ['{"a":1,"b":2}', '"ab"', "[]", '[1,"\\u0000"]', '[1,"a/b"]', '[1,""]', '[1,"__name__"]']),
        *map(a_cursor, ['[9223372036854775808,"a"]', '[1,"\xff"]', f'[1,"{"x" * 9000}"]']),
        *("é", "====", " ", "%", "\x00", "a" * 9000),
    ],
    "search": ["", "x" * 121],
    "status": ["", "RUNNING", "running\x00"],
    "trainer": ["", "x" * 9000, "..", "\x00"],
    "trigger_word": ["", "a\n", "\x00", "x" * 51, "(a+)+$" * 10],
}
GOOD_QUERIES: Mapping[str, list[str]] = {
    "search": ["%", "_", "'", "\x00", "\u0130" * 100, "\u202e"],
    "cursor": [a_cursor('[9223372036854775807,"a"]'), a_cursor('[-9223372036854775807,"a"]')],
    "shoot_id": ["'", "\x00", "..", "x" * 4000],
}
QUERIES = [
    (operation, parameter["name"])
    for operation in OPERATIONS
    for parameter in operation.document.get("parameters", ())
    if parameter["in"] == "query"
]


@pytest.mark.parametrize(("operation", "name"), QUERIES, ids=str)
def test_a_query_that_makes_no_sense_is_a_problem_and_an_odd_one_finds_nothing(
    world: ApiWorld, operation: Operation, name: str
) -> None:
    before = kept(world)
    for values, refused in ((STRANGE_QUERIES, True), (GOOD_QUERIES, False)):
        for value in values.get(name, ()):
            answer = ask(world, operation, params={**ask_params(operation), name: value})
            assert_answered(answer)
            assert (answer.status_code in (404, 422)) is refused, value
    assert kept(world) == before


def ask_params(operation: Operation) -> dict[str, Any]:
    parameters = [p for p in operation.document.get("parameters", ()) if p["in"] == "query" and p.get("required")]
    return {p["name"]: example_of(p["schema"]) for p in parameters}


STRANGE_HEADERS: list[tuple[str, str]] = [
    ("Idempotency-Key", "x" * 8000),
    ("Idempotency-Key", "../../\xff"),
    ("Last-Event-ID", "-1"),
    ("Last-Event-ID", "9" * 400),
    ("Last-Event-ID", "\xb2"),
    ("If-None-Match", '"' * 8000),
    ("Range", "bytes=0-," * 500),
    ("Accept", "x/" * 4000),
    ("Accept-Encoding", "gzip;q=x" * 500),
    ("Expect", "200-maybe"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-HTTP-Method", "DELETE"),
    ("X-Method-Override", "DELETE"),
    ("X-Original-URL", "/v1/shoots"),
    ("X-Rewrite-URL", "/v1/shoots"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "javascript"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Prefix", "//evil.example"),
    ("Forwarded", "host=evil.example"),
    ("Authorization", f"Bearer {'x' * 8000}"),
    ("Cookie", f"session={'x' * 8000}"),
    ("Origin", "http://["),
    ("Origin", "//\\evil.example"),
    ("Sec-Fetch-Site", "\xff"),
    ("Referer", "\xff"),
    ("Content-Length", "-1"),
    ("Content-Length", "abc"),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_strange_header_changes_nothing_about_what_is_done(world: ApiWorld, operation: Operation) -> None:
    """A read stays a read, whatever another header calls it; and nobody is led anywhere."""
    before = kept(world)
    for name, value in STRANGE_HEADERS:
        if operation.method == "GET" or name in ("Origin", "Sec-Fetch-Site", "Content-Length"):
            answer = ask(world, operation, headers=raw({name: value}))
            assert_answered(answer)
            assert "evil.example" not in answer.text + str(answer.headers)
    if operation.method == "GET":
        assert kept(world) == before


@pytest.mark.parametrize(
    "origin", ["http://[", "http://]", "//\\", "http://[::1", "http://localhost:x", "\xff", "null"]
)
def test_an_origin_that_is_none_is_another_sites(world: ApiWorld, origin: str) -> None:
    before = kept(world)
    new = {"costume_name": "Cape", "person_id": "p"}
    answer = world.client.post("/v1/shoots", json=new, headers=raw({"Origin": origin}))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert kept(world) == before


KEYED = [
    operation
    for operation in operations()
    if any(parameter["name"].lower() == "idempotency-key" for parameter in operation.document.get("parameters", ()))
]


@pytest.mark.parametrize("operation", KEYED, ids=str)
def test_a_key_like_those_of_our_own_is_refused_wherever_there_is_one(world: ApiWorld, operation: Operation) -> None:
    before = kept(world)
    answer = ask(world, operation, headers=raw({"Idempotency-Key": "\0retry\0t_1"}))
    assert answer.status_code == 422, answer.text
    assert kept(world) == before
    assert len(KEYED) >= 6


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"prompt": ""}, "prompt: must not be empty."),
        ({"prompt": "x" * 5_000}, "prompt: must have at most"),
        ({}, "prompt: is missing."),
        ({"prompt": "x", "count": 0}, "count: must be 1 or more."),
        ({"prompt": "x", "scale": 99}, "scale: must be 4.0 or less."),
        ({"prompt": "x", "colour": "red"}, "colour: is not known here: leave it out, or look how it is written."),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_words_that_say_what_to_do(
    world: ApiWorld, wish: dict[str, Any], words: str
) -> None:
    answer = world.client.post("/v1/models/m_1/images", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert words in answer.json()["detail"]


def test_a_key_is_one_request_whatever_is_in_it_and_another_request_under_it_is_refused(world: ApiWorld) -> None:
    for key in ("x", "x" * 255, "../..", "\xff\xfe", "'; --", "a\tb"):
        headers, wish = raw({"Idempotency-Key": key}), {"shoot_id": "s_1", "trigger_word": "TOK", "force": True}
        first, again = (world.client.post("/v1/trainings", json=wish, headers=headers) for _ in range(2))
        assert (first.status_code, again.json()["id"]) == (202, first.json()["id"])
        other = world.client.post("/v1/trainings", json={**wish, "trigger_word": "OTHER"}, headers=headers)
        assert (other.status_code, other.json()["code"]) == (409, "conflict")
    for key in ("", "x" * 256):
        refused = world.client.post("/v1/trainings", json=wish, headers={"Idempotency-Key": key})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2fevil.jpg",
        "..jpg",
        "%00.jpg",
        "a%0ab.jpg",
        "a%5cb.jpg",
        "a%e2%80%aegpj.jpg",
        "a%c2%85b.jpg",
        "a.exe",
        "a",
        f"{'x' * 300}.jpg",
    ],
)
def test_a_file_with_a_name_that_is_none_is_not_stored(world: ApiWorld, name: str) -> None:
    before = kept(world)
    answer = world.client.put(f"/v1/shoots/s_1/files/{name}", content=JPEG)
    assert_answered(answer)
    assert answer.status_code in (404, 422)
    assert kept(world) == before


UNSHOWABLE = ["a\nb", "a\x00", "\x1b[31mred", "a\x85b", "exe\u202egpj", "\u2066a", "a\u2028b", " ", "\u200b", "\u3000"]


@pytest.mark.parametrize("words", UNSHOWABLE, ids=ascii)
def test_words_that_are_shown_to_people_are_one_line_that_can_be_seen(world: ApiWorld, words: str) -> None:
    before, title = kept(world), world.models.get("m_1").title
    wish = {"shoot_id": "s_1", "trigger_word": "TOK", "model_name": words}
    answers = {
        "costume_name": world.client.post("/v1/shoots", json={"costume_name": words, "person_id": "p"}),
        "title": world.client.patch("/v1/models/m_1", json={"title": words}),
        "model_name": world.client.post("/v1/trainings", json=wish),
    }
    for field, answer in answers.items():
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert f"{field}: has to be one line" in answer.json()["detail"]
    assert kept(world) == before
    assert world.models.get("m_1").title == title


@pytest.mark.parametrize(
    "words", ["Rotkäppchen 🧺", "赤ずきん", "ליאת", "👩\u200d🚀 in space", "a\u00a0b", "x" * 60], ids=ascii
)
def test_the_words_of_every_language_are_taken_as_they_are(world: ApiWorld, words: str) -> None:
    answer = world.client.post("/v1/shoots", json={"costume_name": words, "person_id": "p"})
    assert (answer.status_code, answer.json()["costume_name"]) == (201, words)


def test_what_a_trigger_word_or_an_id_may_be_is_said_in_words(world: ApiWorld) -> None:
    trigger = world.client.post("/v1/trainings", json={"shoot_id": "s_1", "trigger_word": "it's"})
    person = world.client.post("/v1/shoots", json={"costume_name": "Cape", "person_id": "an na"})
    assert "trigger_word: has to be 1 to 50 letters, digits, spaces, - and _" in trigger.json()["detail"]
    assert "person_id: has to be 1 to 128 letters" in person.json()["detail"]


@pytest.mark.parametrize("words", ["a\x00b", "\x1b[31mred", "a\u202eb", "a\u2028b"], ids=ascii)
def test_a_prompt_in_which_something_hides_is_refused_and_lines_are_not(world: ApiWorld, words: str) -> None:
    refused = world.client.post("/v1/models/m_1/images", json={"prompt": words})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert "prompt: has to be without control characters" in refused.json()["detail"]
    answer = world.client.post("/v1/models/m_1/images", json={"prompt": "in the rain,\n\tat night"})
    assert answer.status_code == 202
