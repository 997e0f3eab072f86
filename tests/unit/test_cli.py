"""`lora` itself: exit codes, help, version, errors, and output that fits where it goes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.core import TyperGroup

from cli.client import ApiClient, ApiProblem
from cli.importing import files_to_import, import_shoot
from cli.main import app
from cli.output import clean, duration, show_facts, show_table, size, usd
from cli.stages import stepper
from cli.watching import watch_training
from tests.api_documents import CREATED_AT, Document, a_failure, a_log, a_model, a_problem, a_run, a_success, a_training
from tests.fake_api import FakeApi, running_api
from tests.running_cli import run

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with running_api() as api:
        yield api


def a_terminal(width: int = 100) -> Console:
    """A terminal of that width that writes into a string."""
    environment = {"TERM": "xterm-256color"}
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=40, _environ=environment)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_help_tells_the_exit_codes_and_examples() -> None:
    outcome = run(NOWHERE, "--help")
    assert outcome.exit_code == 0
    for line in ("0    it worked", "4    the API cannot be reached", "lora train SHOOT --trigger TOK"):
        assert line in outcome.stdout


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://a", "http://", "http://:abc", "http://a:x"])
def test_an_address_that_is_none_is_refused_in_words(url: str) -> None:
    outcome = run(url, "shoots", "list")
    assert outcome.exit_code == 2
    assert "LORA_API_URL" in outcome.stderr


def test_a_token_that_no_header_can_hold_is_refused_without_being_shown() -> None:
    outcome = run(NOWHERE, "shoots", "list", token="geheim-ä")
    assert outcome.exit_code == 2
    assert "LORA_API_TOKEN" in outcome.stderr
    assert "geheim" not in outcome.stdout + outcome.stderr


COMMANDS = (
    *("shoots import", "shoots list", "shoots show", "shoots report", "quote", "train"),
    *("trainers list", "trainers show"),
    *("trainings list", "trainings show", "trainings watch", "trainings cancel", "trainings retry"),
    *("trainings check", "trainings log", "trainings story", "open", "doctor", "data"),
    *(
        "models list",
        "models show",
        "models versions",
        "models tree",
        "models diff",
        "models download",
        "models promote",
        "models rename",
    ),
    *("images make", "images list", "images show", "images download", "images more", "images compare"),
    *("images cancel", "images delete", "images watch", "images retry", "images story"),
    *("erase model", "erase training", "erase person", "erase images", "erase receipts", "erase receipt"),
    *("ops dead-letters list", "ops dead-letters show", "ops dead-letters redrive", "ops dead-letters discard"),
    *("ops redrive", "ops sweep"),
)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_help_with_an_example(words: str) -> None:
    outcome = run(NOWHERE, *words.split(), "--help")
    assert outcome.exit_code == 0
    assert f"Example:  lora {words}" in outcome.stdout
    assert "--json" in outcome.stdout


@pytest.mark.parametrize("words", ["", "images make", "images compare"])
def test_brackets_in_help_are_no_markup(words: str) -> None:
    assert '"[trigger] ' in run(NOWHERE, *words.split(), "--help").stdout


def test_every_command_is_tested_for_its_help() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    assert set(commands_of(group)) == set(COMMANDS)


def commands_of(group: TyperGroup) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from (f"{name} {nested}" for nested in commands_of(command))
        else:
            yield name


def test_the_version_is_that_of_the_package() -> None:
    assert run(NOWHERE, "--version").stdout == f"lora {version('costumes-lora')}\n"


def test_an_api_that_does_not_listen_is_named_with_what_to_do() -> None:
    outcome = run(NOWHERE, "shoots", "list", "--json")
    assert outcome.exit_code == 4
    assert f"The API at {NOWHERE} cannot be reached" in outcome.stderr
    assert "make up" in outcome.stderr
    assert outcome.json["code"] == "api_unreachable"


def test_a_watch_that_never_gets_through_says_so() -> None:
    assert run(NOWHERE, "trainings", "watch", "t_1").exit_code == 4


def test_an_address_without_scheme_is_a_mistake_in_the_command() -> None:
    assert run(NOWHERE, "--url", "localhost:8080", "shoots", "list").exit_code == 2


def test_an_error_of_the_api_is_told_with_its_code_and_sentence(api: FakeApi) -> None:
    outcome = run(api, "shoots", "show", "s_9")
    assert (outcome.exit_code, outcome.stdout) == (3, "")
    assert "shoot_not_found: There is no shoot s_9 of yours." in outcome.stderr


def test_somebody_elses_answer_is_not_taken_for_the_api(api: FakeApi) -> None:
    api.slips["GET", "/v1/shoots"] = [(404, {"error": "nginx"})]
    outcome = run(api, "shoots", "list")
    assert outcome.exit_code == 3
    assert "unexpected_answer" in outcome.stderr


def test_a_missing_token_is_asked_for_and_a_given_one_is_sent(api: FakeApi) -> None:
    api.token = "secret"
    refused = run(api, "shoots", "list")
    assert refused.exit_code == 3
    assert "--token or LORA_API_TOKEN" in refused.stderr
    assert run(api, "shoots", "list", token="secret").exit_code == 0
    assert run(api, "--token", "secret", "shoots", "list").exit_code == 0


def test_a_transient_error_is_waited_out(api: FakeApi) -> None:
    problem = a_problem(503, "database_unavailable", "The database did not answer.")
    api.slips["GET", "/v1/models"] = [(503, problem)]
    assert run(api, "models", "list").exit_code == 0


def test_an_error_that_stays_is_not_asked_for_again(api: FakeApi) -> None:
    many = a_problem(429, "too_many_trainings", "You have 5 trainings under way.", retryable=False)
    api.slips["GET", "/v1/models"] = [(429, many)]
    assert run(api, "models", "list").exit_code == 3


def test_an_id_cannot_lead_to_another_path(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success()
    for name in ("../trainings/t_1", "..", "t_1?x=1", "."):
        assert run(api, "shoots", "show", name).exit_code == 3


def test_nothing_that_others_wrote_can_control_the_terminal(api: FakeApi) -> None:
    nasty = "\x1b[2J\x1b]0;title\x07red\r\x9b31m\x07 cape"
    api.shoots["s_1"] = {"id": "s_1", "person_id": "ada", "costume_name": nasty, "created_at": CREATED_AT}
    api.files["s_1"] = {"a.jpg": b"x", "a.txt": nasty.encode()}
    api.trainings["t_1"] = a_failure(model_name=nasty)
    api.models["m_1"] = a_model(name=nasty)
    api.streams["t_1"] = [[("training", a_run(10)), a_log(0, nasty), ("end", {"status": "failed"})]]
    commands = ["shoots list", "shoots show s_1", "trainings list", "trainings show t_1", "trainings watch t_1"]
    for words in [*commands, "models list", "models show m_1", "shoots show s_9", "--help"]:
        outcome = run(api, *words.split())
        assert outcome.stdout + outcome.stderr
        assert not outcome.control_characters, words


def test_without_a_terminal_lines_are_whole_however_long(api: FakeApi) -> None:
    caption = "TOK " + "in the rain " * 40
    api.shoots["s_1"] = {"id": "s_1", "person_id": "ada", "costume_name": "Cape", "created_at": CREATED_AT}
    api.files["s_1"] = {"a.jpg": b"x", "a.txt": caption.encode()}
    assert caption.strip() in run(api, "shoots", "show", "s_1").stdout


def test_a_terminal_sees_stages_bar_log_and_the_end(api: FakeApi) -> None:
    api.trainings["t_1"] = a_success()
    api.models["m_1"] = a_model()
    api.streams["t_1"] = [[("training", a_run(24)), a_log(0, "24%|##"), ("training", a_success()), ("end", {})]]
    console = a_terminal()
    with ApiClient(api.url) as client:
        assert watch_training(client, "t_1", console) == a_success()
    assert "24%|##" in written(console)
    assert "✓ mirroring 3 s" in written(console)
    assert written(console).rstrip().endswith("lora models download m_1")


def test_a_terminal_gets_its_cursor_back_when_the_watch_breaks_off(api: FakeApi) -> None:
    def gone() -> Iterator[tuple[str, Document]]:
        yield "training", a_run(24)
        del api.trainings["t_1"]

    api.trainings["t_1"] = a_run(24)
    api.streams["t_1"] = [gone()]
    console = a_terminal()
    with ApiClient(api.url) as client, pytest.raises(ApiProblem, match="no training t_1"):
        watch_training(client, "t_1", console)
    assert written(console).count("\x1b[?25l") == written(console).count("\x1b[?25h") == 1


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
@pytest.mark.parametrize("training", [a_training(), a_run(24), a_success(), a_failure()])
def test_the_stages_fit_on_one_line_of_any_terminal(width: int, training: Document) -> None:
    line = stepper(training, width)
    assert line.cell_len <= max(width, 26)
    assert "\n" not in line.plain


@pytest.mark.parametrize("width", [30, 50, 80, 120])
def test_tables_and_facts_fit_a_narrow_terminal_and_keep_the_id_whole(width: int) -> None:
    console = a_terminal(width)
    show_table(console, ("ID", "STATUS", "MODEL"), [("t_0123456789", "succeeded", "a-very-long-name" * 4)])
    show_facts(console, "Model", {"id": "m_0123456789", "sha256": "0123456789abcdef" * 4})
    text = written(console)
    assert "t_0123456789" in text
    assert max(len(clean(line)) for line in text.splitlines()) <= width


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (-3, "0 s")],
)
def test_durations_are_told_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("count", "words"), [(12, "12 bytes"), (2_400_000, "2.4 MB"), (4_100_000_000, "4.10 GB")])
def test_sizes_are_told_as_people_say_them(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(("amount", "words"), [(2, "$2.00"), (0, "$0.00"), (0.004, "$0.0040"), (12.345, "$12.35")])
def test_money_is_told_to_the_cent_and_never_as_nothing(amount: float, words: str) -> None:
    assert usd(amount) == words


def test_sentences_in_a_table_wrap_instead_of_being_cut() -> None:
    console = a_terminal(40)
    show_table(console, ("SEVERITY", "WHAT"), [("error", "one two three four five six seven eight")], wrap=True)
    assert "eight" in written(console)
    assert max(len(clean(line)) for line in written(console).splitlines()) <= 40


def test_the_demo_can_import_and_watch_without_the_command(api: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"picture")
    console = Console(file=io.StringIO())
    with ApiClient(api.url) as client:
        shoot, sent = import_shoot(
            client, files_to_import(tmp_path), folder=tmp_path, costume="Cape", person="ada", console=console
        )
    assert (shoot["id"], shoot["image_count"], sent) == ("s_1", 1, 1)
