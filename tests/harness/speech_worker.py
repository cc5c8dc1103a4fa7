"""A recognising process that does what the first word of the prompt says: for the faults a real one has too rarely.

Says how many seconds it heard and whether it looked carefully; ``hang``, ``crash`` and ``broken`` are its faults.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time


def main() -> None:
    out, source = sys.stdout.buffer, sys.stdin.buffer

    def say(value: object) -> None:
        text = json.dumps(value).encode()
        out.write(struct.pack("<I", len(text)) + text)
        out.flush()

    if "fail" in sys.argv:
        say({"failed": "no such model"})
        return
    say({"ready": True})
    while len(head := source.read(8)) == 8:
        header, sound = struct.unpack("<II", head)
        job = json.loads(source.read(header))
        samples = len(source.read(sound)) // 2
        match job["prompt"].split()[0] if job["prompt"] else "":
            case "hang":
                time.sleep(3600)
            case "crash":
                os._exit(3)
            case "broken":
                out.write(b"\x05\x00\x00\x00{{{{{")
                out.flush()
                continue
            case "slow":
                time.sleep(0.3)
        said = f"听到{samples / 16_000:.1f}秒{'细' if job['careful'] else ''}"
        say({"id": job["id"], "text": said, "spans": [[0, samples]]})


main()
