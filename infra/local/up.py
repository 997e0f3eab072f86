"""`make up`: the stack stays up until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from rich.console import Console
from rich.markup import escape

from infra.local.errors import StackError
from infra.local.settings import StackSettings
from infra.local.stack import Stack, running_stack
from shared.environment import UNREADABLE, UnreadableSettingsError


def main() -> int:
    """Run the stack that the environment describes.

    0 after Ctrl-C, 1 where something ended by itself or cannot run, 2 where a setting cannot be read.
    """
    console = Console(soft_wrap=not sys.stdout.isatty())
    # also where a script started us in the background, which would have us ignore it
    signal.signal(signal.SIGINT, _as_interrupt)
    signal.signal(signal.SIGTERM, _as_interrupt)
    signal.signal(signal.SIGHUP, _as_interrupt)
    try:
        with running_stack(StackSettings()) as stack:
            _show(stack, console)
            ended = stack.wait()
            console.print(f"[red]The {ended} ended by itself:[/] see {stack.data_dir / 'functions.log'}")
            return 1
    except StackError as error:
        console.print(f"[red]Cannot start:[/] {escape(str(error))}")
        return 1
    except UnreadableSettingsError as error:
        console.print(f"[red]Cannot start:[/] {escape(str(error))}")
        return UNREADABLE
    except KeyboardInterrupt:
        console.print("Stopped. Everything is kept: `make up` goes on where it was.")
        return 0


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _show(stack: Stack, console: Console) -> None:
    lines = {
        "Console": f"{stack.url}/",
        "API": f"{stack.url}/v1",
        "API docs": f"{stack.url}/docs",
        "fal.ai": f"{stack.simulator_url}  (simulated: nothing is trained, nothing is paid)"
        if stack.simulator_url
        else f"{stack.environment.get('FAL_QUEUE_URL')}  (not simulated: every training costs money)",
        "Data": str(stack.data_dir),
        "Log": str(stack.data_dir / "functions.log"),
    }
    console.print("[bold green]Up.[/] Ctrl-C stops it.")
    for name, value in lines.items():
        console.print(f"  {name:<10}{value}", highlight=False, soft_wrap=True)
    console.print(f"\nIn another terminal:\n  export LORA_API_URL={stack.url}", highlight=False)
    console.print("  .venv/bin/lora shoots import FOLDER --costume NAME --person NAME", highlight=False)
    console.print("  .venv/bin/lora train SHOOT --trigger TOK --watch", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
