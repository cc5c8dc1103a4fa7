"""Recordings of calls (通话录制): media as they were sent, muxed without transcoding, one file for each track.

Not to be confused with ``rtc_server.facts`` (facts of sessions as log lines) and ``rtc_server.records`` (the database).
"""
