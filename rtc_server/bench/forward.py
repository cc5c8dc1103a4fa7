"""The benchmark of forwarding: builds ``engine-bench`` where it is not built yet and runs it.

The measuring itself is Rust (``media/engine/crates/bench``); see docs/performance.md.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

_ENGINE = Path(__file__).resolve().parents[2] / "media" / "engine"
_NOT_RUN = 2


class BenchUnavailableError(Exception):
    """The benchmark cannot be built here. The text says what is missing."""


def run(*, as_json: bool, quick: bool) -> int:
    """Measure and print a table, or with ``as_json`` one JSON object; progress goes to standard error.

    ``quick`` measures 50 receivers alone. Returns the process's exit code: 0 when every requirement is met,
    1 when one is missed, 2 when nothing could be measured.
    """
    try:
        program = _build()
    except BenchUnavailableError as error:
        sys.stderr.write(f"{error}\n")
        return _NOT_RUN
    flags = [flag for flag, wanted in (("--json", as_json), ("--quick", quick)) if wanted]
    return subprocess.run([program, "forward", *flags], check=False).returncode  # noqa: S603


def _build() -> Path:
    """Path of the program, built from this source tree with its lock file."""
    if not (_ENGINE / "Cargo.toml").is_file():
        message = "The benchmark runs from a source tree: media/engine is not beside this package."
        raise BenchUnavailableError(message)
    cargo = shutil.which("cargo") or shutil.which("cargo", path=str(Path.home() / ".cargo" / "bin"))
    if cargo is None:
        message = "The benchmark needs cargo (https://rustup.rs)."
        raise BenchUnavailableError(message)
    command = [cargo, "build", "--release", "--locked", "-p", "engine-bench"]
    built = subprocess.run(  # noqa: S603
        [*command, "--message-format=json-render-diagnostics"],
        cwd=_ENGINE,
        stdout=subprocess.PIPE,
        check=False,
    )
    if built.returncode != 0:
        message = "The benchmark could not be built; the compiler's messages are above."
        raise BenchUnavailableError(message)
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message.get("executable"):
            return Path(message["executable"])
    message = "The benchmark was built without a program."
    raise BenchUnavailableError(message)
