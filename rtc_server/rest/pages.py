"""Small HTML pages of our own, filled by ``string.Template`` with escaped values."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from string import Template

from aiohttp import web

from rtc_server.rest.headers import nonce, page_policy

_FOLDER = Path(__file__).resolve().parents[1] / "demo_pages"


class Html(str):
    """Markup that was escaped where it had to be."""

    __slots__ = ()


@cache
def _template(name: str) -> Template:
    return Template((_FOLDER / name).read_text(encoding="utf-8"))


def fill(template: str, /, **values: str) -> Html:
    """A part of a page. Every value that is not ``Html`` is escaped. Raises ``KeyError`` for a missing one."""
    safe = {key: value if isinstance(value, Html) else escape(value) for key, value in values.items()}
    return Html(_template(template).substitute(safe))


def page(request: web.Request, template: str, /, *, status: int = 200, **values: str) -> web.Response:
    """A whole page with its policy; ``$nonce`` is there for its script elements."""
    page_policy(request)
    body = fill(template, nonce=nonce(request), **values)
    return web.Response(text=body, content_type="text/html", status=status)


def notice(request: web.Request, title: str, text: str, *, status: int) -> web.Response:
    """A page that says one thing and what to do next."""
    return page(request, "notice.html", title=title, text=text, status=status)


def public_file(name: str) -> Path:
    """A file of the pages' own (styles, pictures)."""
    return _FOLDER / name
