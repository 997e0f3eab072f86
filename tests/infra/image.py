"""The image without Docker: the Dockerfile's own steps, carried out in a folder that stands for its file system.

What is the same: the files that `.dockerignore` lets in, the locked dependencies installed by the very command,
bytecode, environment, and the command that is started. What is not: the base image with its system libraries, the user,
and Python itself where this machine has no Python of the image's version.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from docker.utils import exclude_paths
from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).with_name("uv")

# What belongs to the base image: its package manager, its users.
_OF_THE_BASE_IMAGE = ("pip ",)

_PATHS = re.compile(r"(?<![\w/.-])/(?:opt/venv|app|tmp)\b")


@dataclass(frozen=True)
class Step:
    """One instruction: `RUN`, `COPY` … and its text with continuation lines joined."""

    instruction: str
    value: str


@dataclass(frozen=True)
class Dockerfile:
    """What the Dockerfile says."""

    path: Path = ROOT / "Dockerfile"

    @cached_property
    def _parser(self) -> DockerfileParser:
        return DockerfileParser(str(self.path), parent_env={"PATH": "/usr/local/bin:/usr/bin:/bin"}, env_replace=True)

    @property
    def python_version(self) -> str:
        """Such as 3.13."""
        return str(self._parser.baseimage).removeprefix("python:").split("-")[0]

    @property
    def environment(self) -> dict[str, str]:
        """What the last stage sets."""
        return dict(self._parser.envs)

    @property
    def command(self) -> list[str]:
        """What is started."""
        command: list[str] = json.loads(self._parser.cmd)
        return command

    @cached_property
    def stages(self) -> list[list[Step]]:
        """The instructions of each stage."""
        stages: list[list[Step]] = []
        for found in self._parser.structure:
            if found["instruction"] == "FROM":
                stages.append([])
            elif stages and found["instruction"] != "COMMENT":
                stages[-1].append(Step(found["instruction"], found["value"]))
        return stages


def context(root: Path = ROOT, ignored: str = ".dockerignore") -> set[str]:
    """The files that a `.dockerignore` lets in, by their names from the root."""
    patterns = [line for line in (root / ignored).read_text().splitlines() if line and line[0] != "#"]
    return {name for name in exclude_paths(str(root), patterns) if (root / name).is_file()}


def image_python(version: str) -> str:
    """A Python of the image's version where this machine has one, else the one that runs the tests."""
    found = shutil.which(f"python{version}")
    asked = [found, "-c", "import sys; print(sys.executable)"] if found else ["false"]
    answer = subprocess.run(asked, capture_output=True, text=True)
    return answer.stdout.strip() or sys.executable


@dataclass(frozen=True)
class Image:
    """The image's file system in `folder`."""

    folder: Path
    dockerfile: Dockerfile

    def inside(self, text: str) -> str:
        """A value with the image's absolute paths where they are here."""
        return _PATHS.sub(f"{self.folder}\\g<0>", text)

    @property
    def app(self) -> Path:
        """Where the image's processes start."""
        return self.folder / "app"

    @property
    def home(self) -> Path:
        """The user's home, which is not there."""
        return self.folder / "nonexistent"

    @property
    def environment(self) -> dict[str, str]:
        """What the image sets, and nothing of this machine's but where to find a shell's tools."""
        return {name: self.inside(value) for name, value in self.dockerfile.environment.items()}

    @property
    def command(self) -> list[str]:
        """The image's command by its whole path, since the caller's PATH is another one."""
        name, *arguments = self.dockerfile.command
        program = shutil.which(name, path=self.environment["PATH"])
        assert program is not None and program.startswith(str(self.folder)), f"{name} is not in the image"
        return [program, *arguments]


def build(folder: Path) -> Image:
    """Carry out the Dockerfile's stages in `folder`."""
    dockerfile = Dockerfile()
    image = Image(folder, dockerfile)
    for path in ("app", "opt", "tmp", "bin"):
        (folder / path).mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(image_python(dockerfile.python_version))
    making, last = dockerfile.stages
    environment = {
        "PATH": f"{folder / 'bin'}:{UV.parent}:{os.environ['PATH']}",
        "UV_PYTHON": str(folder / "bin/python"),
    }
    # the package cache of this machine: the same files, without fetching them again
    environment |= {name: value for name, value in os.environ.items() if name in ("HOME", "UV_CACHE_DIR")}
    for step in making:
        if step.instruction == "ENV":
            environment |= dict(word.split("=", 1) for word in shlex.split(image.inside(step.value)))
        else:
            _carry_out(step, image, environment)
    _leave_what_is_copied(last, image)
    return image


def _carry_out(step: Step, image: Image, environment: Mapping[str, str]) -> None:
    if step.instruction == "COPY":
        _copy(step.value.split(), image.app)
    elif step.instruction == "RUN" and not step.value.startswith(_OF_THE_BASE_IMAGE):
        done = subprocess.run(
            ["/bin/sh", "-c", image.inside(step.value)], cwd=image.app, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"RUN {step.value}: {done.stderr}"


def _copy(words: list[str], app: Path) -> None:
    *sources, target = words
    for name in context():
        for source in sources:
            if name == source or name.startswith(f"{source}/"):
                to = app / target / (name if target == "./" else name.removeprefix(f"{source}/"))
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, to)


def _leave_what_is_copied(steps: list[Step], image: Image) -> None:
    """Delete what the last stage does not take over from the one before."""
    words = [step.value.split() for step in steps if step.instruction == "COPY"]
    assert all(origin == "--from=build" and source == target for origin, source, target in words)
    kept = {image.inside(source) for _, source, _ in words}
    for found in [*image.app.iterdir(), *(image.folder / "opt").iterdir()]:
        if str(found) not in kept:
            shutil.rmtree(found) if found.is_dir() else found.unlink()
