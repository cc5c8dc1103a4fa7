"""A real X screen without a monitor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def virtual_screen(width: int = 1280, height: int = 720) -> AsyncIterator[str]:
    """Start Xvfb on a display number it chooses itself; gives the DISPLAY."""
    read_fd, write_fd = os.pipe()
    process = await asyncio.create_subprocess_exec(
        "Xvfb",
        "-displayfd",
        str(write_fd),
        "-screen",
        "0",
        f"{width}x{height}x24",
        "-nolisten",
        "tcp",
        pass_fds=(write_fd,),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(write_fd)
    try:
        loop = asyncio.get_running_loop()
        number = await asyncio.wait_for(loop.run_in_executor(None, os.read, read_fd, 16), 20)
        yield f":{number.decode().strip()}"
    finally:
        os.close(read_fd)
        process.terminate()
        await process.wait()
