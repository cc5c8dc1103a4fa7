"""Meeting notes (会议笔记) edited by several at once: a Yjs document, so that no edit is lost whoever writes beside whom.

The page sends what the server has not seen yet, relative to the server's state vector (the exchange of y-protocols'
sync: state vector, then what is missing). The text is the root ``Text`` named ``notes``.
"""

from __future__ import annotations

from pycrdt import Doc, Text

from signaling.errors import BadInput, ErrorCode, Refused
from signaling.rooms.meeting_note_update import check_update, check_vector

ROOT = "notes"
MAX_CHARACTERS = 20_000
MAX_STATE_BYTES = 400_000
"""Of the document with what is needed to merge: deleted text leaves a trace."""
MAX_UPDATE_BYTES = 64 * 1024
_EMPTY_VECTOR = b"\x00"


class MeetingNotes:
    """Nothing of an update that cannot be read or grows too large is taken."""

    def __init__(self, state: bytes | None = None) -> None:
        self._doc = _document(state)

    def text(self) -> str:
        return str(self._doc.get(ROOT, type=Text))

    def vector(self) -> bytes:
        """What is in it, in short (the Yjs state vector)."""
        return self._doc.get_state()

    def since(self, vector: bytes | None = None) -> bytes:
        """An update with everything a document with this vector lacks; None: with everything. Raises ``BadInput``."""
        if vector is not None:
            check_vector(vector)
        return self._doc.get_update(vector if vector is not None else _EMPTY_VECTOR)

    def merge(self, update: bytes) -> None:
        """Raises ``BadInput`` when it is no update, ``Refused`` with ``notes_too_long``; nothing is changed then.

        Tried on a copy: half an update must not stay, nor what waits for an earlier one that never comes.
        """
        if len(update) > MAX_UPDATE_BYTES:
            raise Refused(ErrorCode.NOTES_TOO_LONG)
        check_update(update, ROOT)
        trial = _document(self.since())
        try:
            trial.apply_update(update)
            text, size = str(trial.get(ROOT, type=Text)), len(trial.get_update())
        except Exception:
            raise BadInput(ErrorCode.BAD_MESSAGE) from None
        except BaseException as error:
            # The library's faults arrive as PanicException, which is no Exception.
            if type(error).__name__ != "PanicException":
                raise
            raise BadInput(ErrorCode.BAD_MESSAGE) from None
        grown = len(text) > len(self.text())
        if grown and (len(text) > MAX_CHARACTERS or size > MAX_STATE_BYTES):
            raise Refused(ErrorCode.NOTES_TOO_LONG)
        if size > 2 * MAX_STATE_BYTES:
            raise Refused(ErrorCode.NOTES_TOO_LONG)
        self._doc = trial


def _document(state: bytes | None) -> Doc[Text]:
    made: Doc[Text] = Doc()
    if state:
        made.apply_update(state)
    return made
