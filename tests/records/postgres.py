"""A real PostgreSQL of the tests' own: a fresh cluster in a temporary folder, on a free port of the loopback."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket

_SUPERUSER = "tester"


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is not None:
        return found
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    if not versions:
        raise RuntimeError(f"{name} is missing: install PostgreSQL (tests/harness/system_packages.sh)")
    return str(versions[-1])


def _owner() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is no user to run it as")


class PostgresServer:
    """``stop`` and ``start`` as often as wanted: the port and the data stay."""

    def __init__(self) -> None:
        self.template: str | None = None
        """A database that others are copied from."""
        self._owner = _owner()
        self._folder = Path(tempfile.mkdtemp(prefix="rtc-pg-"))
        if self._owner is not None:
            os.chown(self._folder, self._owner.pw_uid, self._owner.pw_gid)
        with socket(AF_INET, SOCK_STREAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._run(
            _program("initdb"),
            "-D",
            "data",
            "-U",
            _SUPERUSER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        )
        self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{_SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder} -c fsync=off"
        self._run(_program("pg_ctl"), "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        """At once, connections and all, as when the machine is switched off."""
        self._run(_program("pg_ctl"), "-D", "data", "-w", "-m", "immediate", "stop")

    def freeze(self) -> None:
        """It takes connections and answers nothing, until ``thaw``."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        main = int((self._folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for process in (main, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, *command: str) -> None:
        ids = {} if self._owner is None else {"user": self._owner.pw_uid, "group": self._owner.pw_gid}
        with (self._folder / f"{Path(command[0]).name}.out").open("wb") as output:
            subprocess.run(
                command,
                cwd=self._folder,
                check=True,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=60,
                **ids,
            )
