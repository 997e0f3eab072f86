"""The HTTP API as Python: requests that survive a bad network, and the errors that a command can end with."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self
from urllib.parse import quote

import httpx

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
PAUSES_S = (0.2, 0.5, 1.0)
TRANSIENT = frozenset({429, 502, 503, 504})
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)
LONGEST_PAUSE_S = 15.0
PIECE_BYTES = 256 * 1024

# a proxy of the surroundings is never the way to this machine itself
DIRECT: Mapping[str, httpx.BaseTransport | None] = {
    f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")
}


@cache
def tls() -> ssl.SSLContext:
    """The certificates that are trusted, read once: that takes longer than a request."""
    return httpx.create_ssl_context()


class CommandError(Exception):
    """A command cannot be carried out; `exit_code` says of what kind the reason is."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, sentence: str, hint: str = "") -> None:
        """Keep the stable `code`, the `sentence` for people, and a `hint` at what to do."""
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.hint = hint

    def document(self) -> dict[str, Any]:
        """The error as JSON, in the shape of an RFC 9457 problem."""
        return {"code": self.code, "detail": self.sentence}


class ApiProblem(CommandError):
    """The API answered with an error; `problem` is its RFC 9457 document, `status` the HTTP status."""

    exit_code = 3

    def __init__(self, status: int, problem: Mapping[str, Any], hint: str = "") -> None:
        """Keep the document; a body that is none of ours has been made into one by `problem_of`."""
        super().__init__(str(problem.get("code", "unknown")), str(problem.get("detail", "")), hint)
        self.status = status
        self.problem = problem

    def document(self) -> dict[str, Any]:
        """The problem as the API sent it."""
        return dict(self.problem)


class ApiUnreachable(CommandError):
    """No answer came from the API; it may have done what was asked where the request `was_sent`."""

    exit_code = 4

    def __init__(self, url: str, reason: str, *, was_sent: bool = False) -> None:
        """Name the URL, and what can be done about it."""
        super().__init__(
            "api_unreachable",
            f"The API at {url} cannot be reached ({reason}).",
            "Is it running (`make up`)? Another address can be given with --url or LORA_API_URL.",
        )
        self.reason = reason
        self.was_sent = was_sent


class Misused(CommandError):
    """The command cannot do what it was asked for, with what is here."""

    exit_code = 2


class TransferFailed(CommandError):
    """A file did not arrive whole."""

    exit_code = 5


class ApiClient:
    """The API at `url`, with the bearer `token` where there is one. Usable from several threads.

    Every method raises `ApiProblem` where the API says no, and `ApiUnreachable` where it stays silent after
    some tries. Trying again is safe: what changes something comes to the same however often it is asked for, or
    carries an idempotency key.
    """

    def __init__(self, url: str, token: str | None = None, *, pauses_s: tuple[float, ...] = PAUSES_S) -> None:
        """`pauses_s` are the waits between the tries of a request, in seconds."""
        self.url = url.rstrip("/")
        self._pauses_s = pauses_s
        headers = {"User-Agent": "lora-cli", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=TIMEOUT, mounts=DIRECT, verify=tls())

    def __enter__(self) -> Self:
        """Use the client in a `with`, which closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """The document at `path`; parameters that are None are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        return self._document(lambda: self._http.get(path, params=given))

    def text(self, path: str) -> str:
        """The text at `path`."""
        return self._good(lambda: self._http.get(path, headers={"Accept": "text/plain"})).text

    def status(self, path: str) -> int:
        """The HTTP status of the page at `path`, whatever it is."""
        return self._answer(lambda: self._http.get(path, headers={"Accept": "text/html"})).status_code

    def post(
        self, path: str, body: Mapping[str, Any] | None = None, *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """The answer to `body`; the key makes sure that a second try is not a second order."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        sent = None if body is None else dict(body)
        return self._document(lambda: self._http.post(path, json=sent, headers=headers))

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The document at `path` as it is after the change."""
        return self._document(lambda: self._http.patch(path, json=dict(body)))

    def items(self, path: str, *, limit: int, **params: Any) -> dict[str, Any]:
        """The first `limit` items of a listing and its `next_cursor`, from as many pages as it takes."""
        page: dict[str, Any] = {"next_cursor": None}
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            page = self.get(path, limit=min(limit - len(found), 100), cursor=page["next_cursor"], **params)
            found += page["items"]
            if not page["next_cursor"]:
                break
        return {"items": found[:limit], "next_cursor": page["next_cursor"]}

    def put_file(self, path: str, file: Path, kind: str, on_position: Callable[[int], None]) -> dict[str, Any]:
        """The answer to the bytes of `file`, streamed; `on_position` hears how many have been sent."""
        headers = {"Content-Type": kind, "Content-Length": str(file.stat().st_size)}
        return self._document(lambda: self._http.put(path, content=_pieces(file, on_position), headers=headers))

    @contextmanager
    def stream(self, path: str, *, headers: Mapping[str, str], read_timeout_s: float) -> Iterator[httpx.Response]:
        """One answer as it comes in, tried once; `read_timeout_s` of silence count as a lost connection."""
        timeout = httpx.Timeout(TIMEOUT.connect, read=read_timeout_s)
        try:
            with self._http.stream("GET", path, headers=dict(headers), timeout=timeout) as response:
                if not response.is_success:
                    response.read()
                    raise problem_of(response)
                yield response
        except httpx.TransportError as error:
            raise ApiUnreachable(self.url, reason_of(error)) from error

    def _document(self, send: Callable[[], httpx.Response]) -> dict[str, Any]:
        response = self._good(send)
        document = _json(response)
        if not isinstance(document, dict):
            raise _not_ours(response)
        return document

    def _good(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        response = self._answer(send)
        if not response.is_success:
            raise problem_of(response)
        return response

    def _answer(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        pauses, was_sent = iter(self._pauses_s), False
        while True:
            pause_s = next(pauses, None)
            try:
                response = send()
            except httpx.TransportError as error:
                was_sent = was_sent or not isinstance(error, NEVER_SENT)
                if pause_s is None or isinstance(error, httpx.UnsupportedProtocol):
                    raise ApiUnreachable(self.url, reason_of(error), was_sent=was_sent) from error
                time.sleep(pause_s)
            else:
                if pause_s is None or not _passes(response):
                    return response
                was_sent = was_sent or response.is_server_error
                time.sleep(_asked_pause_s(response) or pause_s)


def at(*parts: str) -> str:
    """A path of the API under /v1; parts are quoted, so that an id can never be a path of its own."""
    return "/v1/" + "/".join(map(in_path, parts))


def in_path(part: str) -> str:
    """A part of a path, quoted."""
    return "%2E" * len(part) if part in (".", "..") else quote(part, safe="")


def reason_of(error: httpx.TransportError) -> str:
    """Why the network failed, in a few words."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__


def problem_of(response: httpx.Response) -> ApiProblem:
    """The problem that an answer tells; one is made up where somebody else than the API answered."""
    problem = _json(response)
    if isinstance(problem, dict) and "code" in problem:
        return ApiProblem(response.status_code, problem, _WHERE.get(problem["code"]) or _hint(response.status_code))
    return _not_ours(response)


# Where ids are found, by the code of the answer to one that is none, or none any more.
_WHERE = {
    "shoot_not_found": "Ids of shoots: lora shoots list",
    "training_not_found": "Ids of trainings begin with t_: lora trainings list",
    "model_not_found": "Ids of models begin with m_: lora models list",
    "model_erased": "The others are in: lora models list",
    "images_not_found": "Ids of sets of pictures: lora images list",
    "person_not_found": "Ids of people: lora data",
    "erasure_not_found": "Ids of receipts: lora erase receipts",
    "dead_letter_not_found": "Ids of dead letters are like training-requested-packager.42: lora ops dead-letters list",
}


def _not_ours(response: httpx.Response) -> ApiProblem:
    asked = response.request.url.copy_with(query=None)
    answer = f"{response.status_code} {response.reason_phrase}".strip()
    detail = f"{asked} answered {answer}, and not as the API does."
    problem = {"code": "unexpected_answer", "status": response.status_code, "detail": detail}
    hint = _hint(response.status_code) or "Check that --url or LORA_API_URL is the URL of the API."
    return ApiProblem(response.status_code, problem, hint)


def _hint(status: int) -> str:
    return "Say who you are with --token or LORA_API_TOKEN." if status == httpx.codes.UNAUTHORIZED else ""


def _passes(response: httpx.Response) -> bool:
    """Whether the same request may be answered better in a moment; the API says where that is not so."""
    if response.status_code not in TRANSIENT:
        return False
    problem = _json(response)
    return not (isinstance(problem, dict) and problem.get("retryable") is False)


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _asked_pause_s(response: httpx.Response) -> float:
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_PAUSE_S) if asked.isdecimal() else 0.0


def _pieces(file: Path, on_position: Callable[[int], None]) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(PIECE_BYTES):
            yield piece
            on_position(opened.tell())
