"""The `lora` command, whatever else is installed: python-hcl2, for one, brings a package named `cli` of its own."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Run it with the `cli` that lies beside this file."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from cli.main import app

    app()
