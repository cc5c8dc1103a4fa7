"""The built web client: ``/embed.js``, ``/desk``, ``/desk/records``, ``/centre``, ``/admin``, ``/editor``, ``/meeting/{id}``,
``/check``, ``/assets/``; from memory, compressed once."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from rtc_server.config import Settings
from rtc_server.identity.policy import Permission, may
from rtc_server.rest.context import SETTINGS
from rtc_server.rest.headers import page_policy
from rtc_server.rest.pages import notice, public_file
from rtc_server.rest.session import current_or_none
from signaling.errors import ErrorCode, Refused

_COMPRESSIBLE = re.compile(r"^(text/|application/(javascript|json|wasm|manifest)|image/svg)")
_MIN_COMPRESSED = 1024
_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_YEAR_S = 31_536_000

_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".map": "application/json",
}


@dataclass(frozen=True, slots=True)
class _File:
    modified_ns: int
    plain: bytes
    compressed: bytes | None
    etag: str
    content_type: str


class ClientFiles:
    """Files of one folder. A changed file is read again; nothing outside the folder is served."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._files: dict[Path, _File] = {}

    @property
    def built(self) -> bool:
        return (self._folder / "desk.html").is_file()

    async def get(self, name: str) -> _File | None:
        """The file, or None when there is none."""
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder):
            return None
        return await asyncio.to_thread(self._load, path)

    def _load(self, path: Path) -> _File | None:
        try:
            modified = path.stat().st_mtime_ns
            known = self._files.get(path)
            if known is not None and known.modified_ns == modified:
                return known
            plain = path.read_bytes()
        except (OSError, ValueError):
            return None
        content_type = (
            _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        )
        wants_gzip = len(plain) >= _MIN_COMPRESSED and _COMPRESSIBLE.match(content_type)
        file = _File(
            modified,
            plain,
            gzip.compress(plain, 6, mtime=0) if wants_gzip else None,
            f'"{hashlib.sha256(plain).hexdigest()[:32]}"',
            content_type,
        )
        self._files[path] = file
        return file


CLIENT_FILES = web.AppKey("client_files", ClientFiles)


def _respond(request: web.Request, file: _File, cache: str) -> web.Response:
    headers = {"Cache-Control": cache, "ETag": file.etag, "Vary": "Accept-Encoding"}
    if request.headers.get("If-None-Match") == file.etag:
        return web.Response(status=304, headers=headers)
    body = file.plain
    if file.compressed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = file.compressed
    charset = "utf-8" if file.content_type.startswith("text/") else None
    return web.Response(body=body, headers=headers, content_type=file.content_type, charset=charset)


def _for_any_site(response: web.Response) -> web.Response:
    """Public code: host pages load it across origins, module scripts with CORS."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


async def _asset(request: web.Request) -> web.Response:
    file = await request.app[CLIENT_FILES].get(f"assets/{request.match_info['name']}")
    if file is None:
        raise Refused(ErrorCode.NOT_FOUND)
    # The build puts a hash of the content into the name.
    return _for_any_site(_respond(request, file, f"public, max-age={_YEAR_S}, immutable"))


async def _embed(request: web.Request) -> web.Response:
    file = await request.app[CLIENT_FILES].get("embed.js")
    if file is None:
        script = 'console.error("rtc-server: the web client is not built (make setup)");\n'
        return _for_any_site(
            web.Response(text=script, content_type="text/javascript", headers={"Cache-Control": "no-store"})
        )
    return _for_any_site(_respond(request, file, "no-cache"))


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of the client, and the words for who may not open it."""

    file: str
    permission: Permission
    signed_out: str
    title: str
    refused: str


_DESK = _Page(
    "desk.html",
    Permission.DESK,
    "坐席工作台需要登录后使用，请从本单位门户重新进入。",
    "无法打开坐席工作台",
    "当前账号没有坐席权限，请更换账号或联系管理员。",
)
_ADMIN = _Page(
    "admin.html",
    Permission.ADMIN_PAGE,
    "管理页面需要登录后使用，请从本单位门户重新进入。",
    "无法打开管理页面",
    "当前账号没有管理权限，请更换账号或联系系统管理员。",
)
_EDITOR = _Page(
    "editor.html",
    Permission.EDITOR_PAGE,
    "知识编辑页面需要登录后使用，请从本单位门户重新进入。",
    "无法打开知识编辑页面",
    "当前账号没有知识编辑权限，请更换账号或联系系统管理员。",
)
_MEETING = _Page(
    "meeting.html",
    Permission.MEETING,
    "调解会议需要登录后进入，请先登录，再重新打开会议链接。",
    "无法进入会议",
    "当前账号不能参加调解会议，请更换账号后重新打开会议链接。",
)

_RECORDS = _Page(
    "casework.html",
    Permission.CASEWORK,
    "业务办理页面需要登录后使用，请从本单位门户重新进入。",
    "无法打开业务办理页面",
    "当前账号没有坐席权限，请更换账号或联系管理员。",
)
_CENTRE = _Page(
    "centre.html",
    Permission.OWN_CENTRE,
    "个人中心需要登录后使用，请从电子税务局重新进入。",
    "无法打开个人中心",
    "个人中心供纳税人使用，请使用纳税人账号登录。",
)

_CHECK = _Page(
    "check.html",
    Permission.CHECK_DEVICES,
    "设备与网络检测需要登录后使用，请先登录，再重新打开本页。",
    "无法打开设备与网络检测",
    "设备与网络检测供纳税人和坐席使用，请更换账号后重新打开。",
)


async def _desk(request: web.Request) -> web.StreamResponse:
    return await _client_page(request, _DESK)


async def _admin(request: web.Request) -> web.StreamResponse:
    return await _client_page(request, _ADMIN)


async def _editor(request: web.Request) -> web.StreamResponse:
    return await _client_page(request, _EDITOR)


async def _meeting(request: web.Request) -> web.StreamResponse:
    """The same page for every meeting: it reads the id from its own address."""
    return await _client_page(request, _MEETING)


async def _records(request: web.Request) -> web.StreamResponse:
    """One page; which list it shows stands in its own address."""
    return await _client_page(request, _RECORDS)


async def _centre(request: web.Request) -> web.StreamResponse:
    return await _client_page(request, _CENTRE)


async def _check(request: web.Request) -> web.StreamResponse:
    return await _client_page(request, _CHECK)


async def _client_page(request: web.Request, page: _Page) -> web.StreamResponse:
    person = await current_or_none(request)
    if person is None or not may(person.role, page.permission):
        if request.app[SETTINGS].demo:
            # The desk is where an account begins anyway; the others are found again only by their address.
            back = f"?to={quote(request.path)}" if page in (_MEETING, _CENTRE, _RECORDS, _CHECK) else ""
            raise web.HTTPFound(f"/demo{back}")
        if person is None:
            return notice(request, "请先登录", page.signed_out, status=401)
        return notice(request, page.title, page.refused, status=403)
    file = await request.app[CLIENT_FILES].get(page.file)
    if file is None:
        return notice(
            request, "页面尚未就绪", "服务端尚未生成网页文件，请管理员执行 make setup 后重试。", status=503
        )
    page_policy(request, script_hashes=_inline_hashes(file.plain))
    return _respond(request, file, "no-cache")


def _inline_hashes(html: bytes) -> list[str]:
    """CSP sources of the inline scripts of a page (CSP 3 §2.3.1)."""
    return [
        f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
        for script in _INLINE_SCRIPT.findall(html)
        if script.strip()
    ]


async def _icon(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(public_file("icon.svg"), headers={"Cache-Control": "public, max-age=86400"})


async def _styles(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(public_file("pages.css"), headers={"Cache-Control": "no-cache"})


def add_routes(app: web.Application, settings: Settings) -> None:
    app[CLIENT_FILES] = ClientFiles(settings.client_dist)
    app.router.add_get("/embed.js", _embed)
    app.router.add_get("/desk", _desk)
    app.router.add_get("/desk/records", _records)
    app.router.add_get("/desk/records/{list}", _records)
    app.router.add_get("/centre", _centre)
    app.router.add_get("/centre/{list}", _centre)
    app.router.add_get("/admin", _admin)
    app.router.add_get("/editor", _editor)
    app.router.add_get("/meeting/{meeting_id}", _meeting)
    app.router.add_get("/check", _check)
    app.router.add_get("/assets/{name:.+}", _asset)
    app.router.add_get("/pages.css", _styles)
    app.router.add_get("/icon.svg", _icon)
    app.router.add_get("/favicon.ico", _icon)
