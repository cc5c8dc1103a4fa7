"""A real clamd of the tests' own, with one signature: the EICAR test file (https://www.eicar.org/download-anti-malware-testfile/)."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd:
    """Listens on a free port of the loopback; no signatures are downloaded."""

    def __init__(self) -> None:
        for program in ("clamd", "sigtool"):
            if shutil.which(program) is None:
                raise RuntimeError(f"{program} is missing (tests/harness/system_packages.sh)")
        self._folder = Path(tempfile.mkdtemp(prefix="rtc-clamd-"))
        self._folder.chmod(0o755)
        database = self._folder / "database"
        database.mkdir()
        sample = self._folder / "eicar.com"
        sample.write_bytes(EICAR)
        signature = subprocess.run(
            ["sigtool", "--md5", str(sample)], check=True, capture_output=True, text=True, timeout=60
        ).stdout
        (database / "eicar.hdb").write_text(signature)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        owner = pwd.getpwuid(os.geteuid()).pw_name
        config = self._folder / "clamd.conf"
        config.write_text(
            f"DatabaseDirectory {database}\nTCPSocket {self.port}\nTCPAddr 127.0.0.1\nForeground yes\n"
            f"User {owner}\nTemporaryDirectory {self._folder}\nStreamMaxLength 25M\nMaxThreads 2\n"
            f"LogFile {self._folder}/clamd.log\n"
        )
        self._process = subprocess.Popen(
            ["clamd", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def wait(self, deadline_s: float = 60.0) -> None:
        """Until it answers PING (clamd(8)). Raises ``RuntimeError``."""
        until = time.monotonic() + deadline_s
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                    connection.sendall(b"nPING\n")
                    if connection.recv(16).startswith(b"PONG"):
                        return
            except OSError:
                time.sleep(0.1)
        log = self._folder / "clamd.log"
        raise RuntimeError(f"clamd does not answer: {log.read_text() if log.exists() else 'no log'}")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
