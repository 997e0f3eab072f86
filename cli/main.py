"""The `lora` command: its root options, its commands, and what its exit codes mean."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import httpx
import typer
from typer.core import TyperGroup

from cli import (
    console,
    data,
    doctor,
    ending_images,
    erase,
    images,
    lineage,
    model_changes,
    models,
    ops,
    quotes,
    shoots,
    story,
    train,
    trainers,
    trainings,
)
from cli.client import ApiClient, CommandError
from cli.output import AS_JSON, print_json, say, show_problem, stderr

DEFAULT_URL = "http://127.0.0.1:8080"
INTERRUPTED = 130

EPILOG = """\
Examples:
  lora shoots import ./red-cape --costume "Red cape" --person ada
  lora shoots report SHOOT --trigger TOK
  lora trainers list
  lora quote --steps 1500
  lora train SHOOT --trigger TOK --preset person --watch
  lora train --from-model MODEL --without 07 --watch
  lora trainings retry TRAINING --watch
  lora trainings story TRAINING
  lora models download MODEL --to ./loras
  lora images make MODEL "\\[trigger] in the rain" --count 2
  lora images compare "\\[trigger] at sea" MODEL --scale 0 --scale 1
  lora open training TRAINING
  lora ops dead-letters list

Exit codes:
  0    it worked
  1    the training failed or was canceled, the report has an error, the
       doctor found something, it was too late to cancel, the sweep was
       not done in time, or you said no
  2    the command was not used as it is meant
  3    the API answered with an error: its code and sentence are printed
  4    the API cannot be reached, or did not answer
  5    a file did not arrive whole
  130  interrupted with Ctrl-C

With --json, exactly one JSON document is printed on stdout, also where it
ended with 3, 4 or 5, and nothing is ever asked.

Tab completion of commands and options:  lora --install-completion
"""


class ReportingGroup(TyperGroup):
    """Commands whose errors end in words and in the exit code that the help promises."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error of ours is reported once, here."""
        try:
            return super().invoke(ctx)
        except CommandError as error:
            show_problem(error, stderr())
            if ctx.meta.get(AS_JSON):
                print_json(error.document())
            raise typer.Exit(error.exit_code) from error
        except (KeyboardInterrupt, typer.Abort):
            # on a terminal, "^C" or a question stands at the beginning of this line
            say(stderr(), "\nInterrupted." if stderr().is_terminal else "Interrupted.")
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=ReportingGroup,
    no_args_is_help=True,
    epilog=EPILOG,
    pretty_exceptions_enable=False,
    add_completion=True,
)
app.add_typer(shoots.app, name="shoots")
app.add_typer(trainers.app, name="trainers")
app.command("quote", epilog="Example:  lora quote --steps 1500 --set is_style=true")(quotes.quote)
app.command("train", epilog="Example:  lora train s_2f7c --trigger TOK --preset person --watch")(train.train)
trainings.app.command("story", epilog="Example:  lora trainings story t_2f7c")(story.tell_story)
app.add_typer(trainings.app, name="trainings")
models.app.command("tree", epilog="Example:  lora models tree m_2f7c")(lineage.show_tree)
models.app.command("diff", epilog="Example:  lora models diff m_2f7c m_51ab")(lineage.show_diff)
models.app.command("promote", epilog="Example:  lora models promote m_2f7c")(lineage.promote)
models.app.command("rename", epilog='Example:  lora models rename m_2f7c "Ada as Red Riding Hood"')(
    model_changes.rename_model
)
app.add_typer(models.app, name="models")
images.app.command("watch", epilog="Example:  lora images watch i_2f7c")(ending_images.watch_images)
images.app.command("cancel", epilog="Example:  lora images cancel i_2f7c")(ending_images.cancel_images)
images.app.command("retry", epilog="Example:  lora images retry i_2f7c")(ending_images.retry_images)
images.app.command("story", epilog="Example:  lora images story i_2f7c")(story.tell_images_story)
app.add_typer(images.app, name="images")
app.command("data", epilog="Example:  lora data --json")(data.show_data)
app.add_typer(erase.app, name="erase")
app.command("open", epilog="Example:  lora open training t_2f7c")(console.open_console)
app.command("doctor", epilog="Example:  lora doctor --json")(doctor.doctor)
app.add_typer(ops.app, name="ops")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"lora {version('costumes-lora')}")
        raise typer.Exit


def _checked_url(url: str) -> str:
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise typer.BadParameter(f"{url!r} is no URL ({error}): it is like {DEFAULT_URL}") from None
    if found.scheme not in ("http", "https") or not found.host:
        raise typer.BadParameter(f"{url!r} must begin with http:// or https://, and name a host")
    return url


def _checked_token(token: str | None) -> str | None:
    # without the token: it is a secret
    if token and not (token.strip().isascii() and token.strip().isprintable()):
        raise typer.BadParameter("a token has letters, digits and punctuation of ASCII only: copy it again")
    return token


@app.callback()
def lora(
    context: typer.Context,
    url: Annotated[
        str, typer.Option("--url", envvar="LORA_API_URL", callback=_checked_url, help="Where the API is.")
    ] = DEFAULT_URL,
    token: Annotated[
        str | None,
        typer.Option(
            "--token", envvar="LORA_API_TOKEN", callback=_checked_token, help="Bearer token that says who you are."
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave."),
    ] = False,
) -> None:
    """Train LoRA models on shoots, watch them, and bring them home."""
    client = ApiClient(url, (token or "").strip() or None)
    context.call_on_close(client.close)
    context.obj = client


if __name__ == "__main__":
    app()
