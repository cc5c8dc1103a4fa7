"""The command line. What a command needs is imported when it runs, so that every command starts fast."""

from __future__ import annotations

import contextlib
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rtc_server.config import Settings

app = typer.Typer(
    name="rtc-server",
    help="A self-hosted real-time service desk.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
turn_app = typer.Typer(help="The relay (TURN).", no_args_is_help=True)
bench_app = typer.Typer(help="Measurements.", no_args_is_help=True)
app.add_typer(turn_app, name="turn")
app.add_typer(bench_app, name="bench")
recording_app = typer.Typer(help="Recordings of calls.", no_args_is_help=True)
app.add_typer(recording_app, name="recording")
retention_app = typer.Typer(help="How long records are kept.", no_args_is_help=True)
app.add_typer(retention_app, name="retention")
loadtest_app = typer.Typer(help="A whole server under load.", no_args_is_help=True)
app.add_typer(loadtest_app, name="loadtest")

DataOption = Annotated[Path | None, typer.Option("--data", help="Data folder.")]
DemoOption = Annotated[bool | None, typer.Option("--demo/--no-demo", help="Demo accounts; loopback only.")]


@app.command()
def serve(
    *,
    port: Annotated[int | None, typer.Option(help="Port; 0 lets the system choose.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    data: DataOption = None,
    demo: DemoOption = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate chain: serve HTTPS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM private key.")] = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C. Settings: docs/operations.md."""
    gc.disable()  # until it listens: looking through what is being imported takes a seventh of the start
    from rtc_server import logs

    settings = _settings(port=port, host=host, data=data, demo=demo, tls_cert=tls_cert, tls_key=tls_key)
    logs.configure(settings.log_format, settings.log_level)
    import uvloop

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    from rtc_server.app import Server, StartError
    from rtc_server.collector import calm_collector
    from rtc_server.keys import KeyFileError, load_keys

    try:
        server = Server(settings, load_keys(settings))
        listening = await server.start()
    except (StartError, KeyFileError) as error:
        _fail(str(error))
    if settings.demo:
        from rtc_server.welcome import show

        show(listening.url, sys.stdout)
    calm_collector()
    print(f"listening {listening.url}", flush=True)  # noqa: T201 - read by scripts
    await server.run()


@app.command()
def token(
    account: Annotated[str, typer.Argument(help="`sub`: a demo account, or a person's id.")],
    *,
    role: Annotated[
        str | None, typer.Option(help="taxpayer, agent, supervisor, editor or administrator.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Full name; others see it masked.")] = None,
    authority: Annotated[str | None, typer.Option(help="Tax authority (required for an agent).")] = None,
    region: Annotated[str | None, typer.Option(help="Region.")] = None,
    staff_number: Annotated[str | None, typer.Option(help="What others see of an agent.")] = None,
    lifetime: Annotated[int, typer.Option(help="Seconds it is good for.", min=60, max=86400)] = 3600,
    data: DataOption = None,
    demo: DemoOption = None,
) -> None:
    """Print a token signed by this server's own secret."""
    from rtc_server.identity.accounts import ACCOUNTS, Account
    from rtc_server.identity.tokens import TokenMinter
    from rtc_server.keys import KeyFileError, load_keys
    from signaling.sessions.states import Role

    settings = _settings(complete=False, data=data, demo=demo)
    try:
        secret = load_keys(settings).own_tokens
    except KeyFileError as error:
        _fail(str(error))
    if secret is None:
        _fail("no own secret: set RTC_TOKEN_SECRET (or use --demo for demo accounts)")
    if role is None:
        known = ACCOUNTS.get(account) if settings.demo else None
        if known is None:
            _fail(f"{account} is no demo account: say --role and --name")
        person = known
    else:
        if role not in set(Role):
            _fail(f"no such role: {role}; one of {', '.join(Role)}")
        person = Account(account, Role(role), name or account, "/", "", authority, region, staff_number)
    print(TokenMinter(secret).mint(person, lifetime))  # noqa: T201 - the result


@bench_app.command()
def forward(
    *,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="50 receivers alone, in under 40 s.")] = False,
) -> None:
    """Forward real streams to real receivers and measure, beside the plain send loop as the limit."""
    from rtc_server.bench.forward import run

    raise typer.Exit(run(as_json=json, quick=quick))


@bench_app.command()
def retrieval(
    *,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    size: Annotated[
        list[int] | None,
        typer.Option(help="A base of so many questions; repeatable. Default: 200, 2000, 20000."),
    ] = None,
    by_words: Annotated[bool, typer.Option("--by-words", help="Without sentence vectors.")] = False,
    data: DataOption = None,
) -> None:
    """How well and how fast the assistant finds, on questions kept apart from the base. The first run embeds 40,000 texts,
    on two cores some ten minutes, and keeps their vectors in the data folder."""
    from rtc_server.bench.retrieval import SIZES, run

    kept = _settings(complete=False, data=data).data / "bench" / "vectors.npz"
    raise typer.Exit(run(as_json=json, sizes=tuple(size) if size else SIZES, by_words=by_words, vectors=kept))


@bench_app.command()
def lists(
    *,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    database_url: Annotated[
        str | None, typer.Option(help="An EMPTY PostgreSQL database instead of SQLite.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1_000, max=1_000_000, help="Rows of each list.")] = 100_000,
) -> None:
    """The lists of the personal centre and its staff side over HTTP, with the plans. Exit code 1: one is over 50 ms."""
    from rtc_server.bench.lists import run

    raise typer.Exit(run(as_json=json, database_url=database_url, rows=rows))


@recording_app.command()
def compose(
    recording_id: Annotated[str, typer.Argument(help="As the list of recordings names it.")],
    *,
    data: DataOption = None,
) -> None:
    """Make one playable file of a recording: all pictures side by side, all voices. Tells how far it is."""
    from rtc_server.recordings import compose as composing
    from rtc_server.recordings.index import COMPOSITION
    from rtc_server.recordings.shelf import Shelf

    folder = Shelf(_settings(complete=False, data=data).data / "recordings").folder(recording_id)
    if folder is None:
        _fail(f"there is no recording {recording_id!r} in this data folder: choose another with --data")
    with typer.progressbar(length=100, label=recording_id, file=sys.stderr) as bar:
        if not composing.run(folder, lambda share: bar.update(int(share * 100) - bar.pos)):
            _fail("the recording has no track that can be read")
    print(folder / COMPOSITION)  # noqa: T201 - the answer


@retention_app.command("run")
def run_retention(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count alone, remove nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    data: DataOption = None,
) -> None:
    """Remove what is older than its kind is kept, now. Beside a running server, too."""
    import asyncio
    from json import dumps

    from sqlalchemy.exc import SQLAlchemyError

    settings = _settings(complete=False, data=data)
    try:
        counts = asyncio.run(_retain(settings, dry=dry_run))
    except (SQLAlchemyError, OSError) as error:
        _fail(f"the records cannot be reached: {type(error).__name__}")
    if json:
        print(dumps(counts))  # noqa: T201 - the answer
        return
    for name, count in counts.items():
        print(f"{count:9}  {name}")  # noqa: T201 - the answer


async def _retain(settings: Settings, *, dry: bool) -> dict[str, int]:
    import time

    from rtc_server.records.database import Database, database_url
    from rtc_server.retention.service import Retention
    from rtc_server.service_desk import retention_plan

    address = settings.database_url.get_secret_value() if settings.database_url is not None else None
    database = Database(database_url(address, settings.data))
    try:
        await database.migrate()
        retention = Retention(database, retention_plan(settings), settings.data)
        return await retention.run(time.time_ns() // 1_000_000, dry=dry)
    finally:
        await database.close()


@loadtest_app.command()
def service(
    *,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    taxpayers: Annotated[
        list[int] | None, typer.Option(help="A run with so many; repeatable. Default: 100, then 2000.")
    ] = None,
    agents: Annotated[int, typer.Option(min=1, max=1000, help="Agents.")] = 100,
    rate: Annotated[int, typer.Option(min=1, help="Messages offered a second.")] = 1_100,
    database_url: Annotated[
        str | None, typer.Option(help="An EMPTY PostgreSQL database instead of SQLite.")
    ] = None,
) -> None:
    """Taxpayers queue, talk and rate, agents answer: a server of its own, every message followed to its reader."""
    from rtc_server.loadtest.service import Plan, run

    counts = tuple(taxpayers) if taxpayers else (100, 2000)
    raise typer.Exit(run(Plan(agents=agents, rate=rate, database_url=database_url), counts, as_json=json))


@loadtest_app.command()
def call(
    *,
    kind: Annotated[str, typer.Option(help="assist, av, meeting or three-party.")] = "av",
    rooms: Annotated[int, typer.Option(min=1, max=2000, help="Rooms.")] = 2,
    peers: Annotated[
        int | None, typer.Option(min=2, max=100, help="Peers in a room: of a meeting 2 to 50, 6 unless told.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Of measuring, after all have joined.")] = 10.0,
    endpoint: Annotated[
        str, typer.Option(help="native, aiortc as a second implementation, or mixed.")
    ] = "native",
    way: Annotated[str, typer.Option(help="direct, or queue: how a taxpayer comes to an agent.")] = "direct",
    rooms_per_s: Annotated[float, typer.Option(min=0.1, help="How fast rooms come.")] = 10.0,
    people_per_s: Annotated[float, typer.Option(min=0.1, help="How fast people come into a meeting.")] = 10.0,
    impair: Annotated[
        str | None,
        typer.Option(help="What a relay does: loss=5%,delay=80ms,rate=1M,blackout=3s@5s,side=both,seed=1."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a report with plots here.")] = None,
    max_loss: Annotated[float | None, typer.Option(help="Percent that never arrived.")] = None,
    max_join_p95_ms: Annotated[
        float | None, typer.Option(help="From the agreement to the running call.")
    ] = None,
    max_first_frame_p95_ms: Annotated[
        float | None, typer.Option(help="From the agreement to a picture.")
    ] = None,
    max_latency_p95_ms: Annotated[float | None, typer.Option(help="Of video, end to end.")] = None,
    min_frames_per_s: Annotated[float | None, typer.Option(help="Of every video track.")] = None,
    max_freeze_ms: Annotated[float | None, typer.Option(help="The longest freeze.")] = None,
    max_audio_gap_ms: Annotated[float | None, typer.Option(help="The longest gap in audio.")] = None,
    max_recovery_ms: Annotated[float | None, typer.Option(help="After the last disturbance.")] = None,
) -> None:
    """Synthetic peers with real media in rooms of a server of their own. Exit code 1 when a threshold was missed."""
    from rtc_server.loadtest import run
    from rtc_server.loadtest.call import CallRefused, EndpointKind, Kind, Plan, Way, people_in
    from rtc_server.loadtest.figures import Thresholds
    from rtc_server.loadtest.impairment import ImpairmentInvalid, parse

    wanted = Thresholds(
        max_loss, max_join_p95_ms, max_first_frame_p95_ms, max_latency_p95_ms,
        min_frames_per_s, max_freeze_ms, max_audio_gap_ms, max_recovery_ms,
    )  # fmt: skip
    try:
        plan = Plan(
            kind=Kind(kind), rooms=rooms, peers=peers or people_in(Kind(kind)), seconds=seconds,
            endpoint=EndpointKind(endpoint), way=Way(way),
            impairment=None if impair is None else parse(impair), rooms_per_s=rooms_per_s,
            people_per_s=people_per_s,
        )  # fmt: skip
        code = run.call(plan, wanted, as_json=json, html=html)
    except (CallRefused, ImpairmentInvalid, ValueError) as error:
        _fail(str(error))
    raise typer.Exit(code)


@loadtest_app.command()
def impairment(
    *,
    kind: Annotated[str, typer.Option(help="assist or av.")] = "av",
    rooms: Annotated[int, typer.Option(min=1, max=50, help="Rooms.")] = 1,
    case: Annotated[
        list[str] | None, typer.Option(help="Only cases with this in their name; repeatable.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Of measuring, in place of each case's own.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON array instead of a table.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write a report with plots here.")] = None,
) -> None:
    """Loss of 5, 10 and 20 %, a rate that falls and returns, a blackout: what is seen and heard, as a table."""
    from rtc_server.loadtest import run
    from rtc_server.loadtest.call import CallRefused, Kind

    try:
        code = run.impaired(Kind(kind), rooms, as_json=json, html=html, only=case or (), seconds=seconds)
    except (CallRefused, ValueError) as error:
        _fail(str(error))
    raise typer.Exit(code)


@turn_app.command()
def probe(
    *,
    url: Annotated[
        list[str] | None,
        typer.Option(help="turn: or turns: URL, instead of those of the settings; repeatable."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
    data: DataOption = None,
    demo: DemoOption = None,
) -> None:
    """Make a real allocation on the relay over every URL, and ask for the way to the media addresses."""
    from rtc_server.keys import KeyFileError, load_keys
    from rtc_server.relay import RelayError
    from rtc_server.turn_probe import probe_urls, show

    settings = _settings(complete=False, data=data, demo=demo)
    try:
        results = probe_urls(settings, load_keys(settings).relay, url)
    except (KeyFileError, RelayError) as error:
        _fail(str(error))
    show(results, sys.stdout, as_json=json)
    if not all(result.ok for result in results):
        raise typer.Exit(1)


def _settings(*, complete: bool = True, **flags: Any) -> Settings:
    """Settings, or an end with what is wrong with them. ``complete``: everything serving needs must be there."""
    from pydantic import ValidationError

    from rtc_server import config

    try:
        settings = config.load(**flags)
    except ValidationError as error:
        lines = [
            f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg']}" for fault in error.errors()
        ]
        _fail("\n".join(lines))
    except (OSError, ValueError) as error:
        _fail(f"the settings file cannot be read: {error}")
    if complete and (faults := config.missing(settings)):
        _fail("settings are missing (docs/operations.md):\n" + "\n".join(f"  - {fault}" for fault in faults))
    return settings


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(2)


def main() -> None:
    app()
