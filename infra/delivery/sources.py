"""Each function as `gcloud functions deploy --source` wants it: a folder of its own that has all it needs.

python -m infra.delivery.sources requirements        functions/*/requirements.txt, from the lock file
python -m infra.delivery.sources stage api build/api  main.py, functions/api, shared and requirements.txt
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = tuple(sorted(path.parent.name for path in (ROOT / "functions").glob("*/main.py")))

_HEAD = "# Made from uv.lock by `make requirements`.\n"
_MAIN = '''\
"""Where the buildpack looks for the function; it is in functions/{name}/main.py."""

from functions.{name}.main import {name}

__all__ = ["{name}"]
'''
_NOT_SOURCES = shutil.ignore_patterns("__pycache__", "*.pyc", "requirements.txt")


def requirements(name: str) -> str:
    """What the function needs, with versions and hashes as the lock file has them, and nothing else."""
    command = [str(Path(sys.executable).with_name("uv")), "export", "--frozen", "--quiet", "--only-group", name]
    command += ["--no-header", "--no-annotate", "--no-emit-project"]
    exported = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return _HEAD + exported.stdout


def stage(name: str, folder: Path) -> None:
    """Lay the function out in `folder`, which is made anew."""
    if folder.exists():
        shutil.rmtree(folder)
    for package in ("shared", f"functions/{name}"):
        shutil.copytree(ROOT / package, folder / package, ignore=_NOT_SOURCES)
    shutil.copy(ROOT / "functions/__init__.py", folder / "functions/__init__.py")
    shutil.copy(ROOT / "functions" / name / "requirements.txt", folder / "requirements.txt")
    (folder / "main.py").write_text(_MAIN.format(name=name))


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m infra.delivery.sources", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("requirements")
    staging = commands.add_parser("stage")
    staging.add_argument("function", choices=FUNCTIONS)
    staging.add_argument("folder", type=Path)
    given = parser.parse_args()
    if given.command == "stage":
        stage(given.function, given.folder)
        return
    for name in FUNCTIONS:
        (ROOT / "functions" / name / "requirements.txt").write_text(requirements(name))


if __name__ == "__main__":
    main()
