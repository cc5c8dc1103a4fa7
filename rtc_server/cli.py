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
    from rtc_server import logs

    settings = _settings(port=port, host=host, data=data, demo=demo, tls_cert=tls_cert, tls_key=tls_key)
    logs.configure(settings.log_format, settings.log_level)
    import uvloop

    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    from rtc_server.app import Server, StartError
    from rtc_server.keys import KeyFileError, load_keys

    try:
        server = Server(settings, load_keys(settings))
        listening = await server.start()
    except (StartError, KeyFileError) as error:
        _fail(str(error))
    if settings.demo:
        from rtc_server.welcome import show

        show(listening.url, sys.stdout)
    _calm_collector()
    print(f"listening {listening.url}", flush=True)  # noqa: T201 - read by scripts
    await server.run()


def _calm_collector() -> None:
    """What lives as long as the server is never looked through again, and young objects, which nearly all die by
    themselves, are looked through in larger lots: a full pass over thousands of connections holds up every message."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


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
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Neighbours' vectors put together from parts: minutes, not an hour."),
    ] = False,
) -> None:
    """How well and how fast the assistant finds, on questions kept apart from the base."""
    from rtc_server.bench.retrieval import SIZES, run

    raise typer.Exit(run(as_json=json, sizes=tuple(size) if size else SIZES, by_words=by_words, quick=quick))


@loadtest_app.command()
def service(
    *,
    json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
    taxpayers: Annotated[
        list[int] | None, typer.Option(help="A run with so many; repeatable. Default: 100, then 2000.")
    ] = None,
    agents: Annotated[int, typer.Option(min=1, max=1000, help="Agents.")] = 100,
    rate: Annotated[int, typer.Option(min=1, help="Messages offered a second.")] = 1_150,
    database_url: Annotated[
        str | None, typer.Option(help="An EMPTY PostgreSQL database instead of SQLite.")
    ] = None,
) -> None:
    """Taxpayers queue, talk and rate, agents answer: a server of its own, every message followed to its reader."""
    from rtc_server.loadtest.service import Plan, run

    counts = tuple(taxpayers) if taxpayers else (100, 2000)
    raise typer.Exit(run(Plan(agents=agents, rate=rate, database_url=database_url), counts, as_json=json))


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
