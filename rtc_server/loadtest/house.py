"""A server process of the load run's own: its data folder, its organisation, its processor time and memory."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from rtc_server.organisation.centres import OperatingCentre, Organisation, ServiceSettings
from rtc_server.organisation.demo import SKILLS, organisation
from rtc_server.organisation.hours import always
from rtc_server.organisation.people import StaffMember
from rtc_server.records import organisation as rows
from rtc_server.records.database import Database, database_url
from signaling.sessions.states import Role

AUTHORITIES = ("440100", "440400", "440600", "441900")
"""Four cities, each with a centre and a quarter of the agents."""
CAPACITY = 5
_START_S = 120
_WORKER = re.compile(r"media-\d+")


async def prepare(data: Path, address: str | None, agents: int) -> None:
    """The organisation, into an empty database."""
    tree = organisation().authorities
    settings = ServiceSettings(default_capacity=CAPACITY)
    centres = [
        OperatingCentre(f"c{code}", f"运营中心{code}", always(), frozenset({code}), settings=settings)
        for code in AUTHORITIES
    ]
    staff = [
        StaffMember(
            f"load-agent-{number}", f"{1000 + number}", Role.AGENT, code, frozenset({f"c{code}"}), frozenset()
        )
        for number in range(agents)
        for code in (AUTHORITIES[number % len(AUTHORITIES)],)
    ]
    database = Database(database_url(address, data))
    try:
        await database.migrate()
        async with database.write() as connection:
            await rows.save_all(connection, Organisation(tree, centres, staff), SKILLS)
    finally:
        await database.close()


class ServerUnderLoad:
    def __init__(self, process: asyncio.subprocess.Process, url: str, reader: asyncio.Task[None]) -> None:
        self.url = url
        self._process = process
        self._reader = reader

    @classmethod
    async def start(cls, data: Path, address: str | None, secret: str) -> ServerUnderLoad:
        """Raises ``RuntimeError`` when it does not come up."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RTC_")} | {
            "RTC_TOKEN_SECRET": secret,
            "RTC_TURN_START": "false",
            "RTC_MEDIA_WORKERS": "1",
            # An agent answers five conversations at once here, faster than a person types.
            "RTC_LIMITS_TEXTS_BURST": "200",
            "RTC_LIMITS_TEXTS_PER_SECOND": "50",
        }
        if address is not None:
            environment["RTC_DATABASE_URL"] = address
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from rtc_server.cli import main; main()",
            "serve", "--demo", "--port", "0", "--data", str(data),
            env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, limit=1 << 20,
        )  # fmt: skip
        output = process.stdout
        assert output is not None

        async def listening() -> str:
            async for line in output:
                if line.startswith(b"listening "):
                    return line.split()[1].decode()
            raise RuntimeError("the server ended before it listened")

        async def drain() -> None:
            async for _ in output:
                pass

        try:
            url = await asyncio.wait_for(listening(), _START_S)
        except (TimeoutError, RuntimeError) as error:
            process.kill()
            await process.wait()
            raise RuntimeError("the server did not start") from error
        return cls(process, url, asyncio.create_task(drain()))

    def processor_s(self) -> float:
        """User and system time so far (proc(5), stat fields 14 and 15)."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def media_processor_s(self) -> float:
        """The same of the engine's worker threads alone, by their names (proc(5), task/)."""
        ticks = 0
        for task in Path(f"/proc/{self._process.pid}/task").iterdir():
            try:
                name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
            except OSError:
                continue  # a thread that has just ended
            if _WORKER.fullmatch(name):
                fields = rest.split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident now (proc(5), VmRSS)."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 30)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        await self._reader
