"""Commands, their help and their exit codes; the work is done by service and commands."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from probes import __version__
from probes.service import Options, StartError
from probes.settings.model import SettingsError
from probes.store.base import StoreError

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1  # the probe failed, the check found problems
EXIT_USAGE: Final = 2  # wrong arguments or configuration
EXIT_UNAVAILABLE: Final = 3  # the store or the port cannot be had
EXIT_INTERRUPTED: Final = 130

EPILOG: Final = """\
exit codes: 0 done; 1 the probe failed; 2 wrong arguments or configuration; 3 store or port not available
Without config/local.yaml the demo runs: simulated providers, probed for real, in a database of its own."""

METRICS: Final = ("ttft", "visible", "response", "throughput")
MOST_PROBES: Final = 100_000
PROBE_EPILOG: Final = """\
--watch and --compare take several: ids, parts of ids, patterns ("openai/*", "*mini*"), providers or clients.

  app.py probe gpt-4o-mini                                 one probe, printed
  app.py probe gpt-4o-mini --watch --every 10s             live, with percentiles, until Ctrl-C
  app.py probe openai anthropic --watch --json | jq .      one record a line
  app.py probe gpt-4o-mini claude-haiku --compare          20 rounds, then which answers first
  app.py probe "*mini*" --compare --by response --until-clear --json

exit codes: 0 done; 1 the probe failed, or a target had no ok probe; 2 wrong arguments or configuration;
130 interrupted before the end that was asked for (Ctrl-C is the usual end of --watch without --count: 0 or 1)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Errors are sentences on stderr, never tracebacks."""
    parsed = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = parsed.run
    try:
        return run(parsed)
    except (StartError, SettingsError) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except (StoreError, OSError) as error:
        print(f"not available: {error}", file=sys.stderr)
        return EXIT_UNAVAILABLE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py",
        description="Is that LLM API up, and how soon does it answer? Without a command: agent and board together.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"FirstToken {__version__}")
    _add_place(parser, is_root=True)
    _add_address(parser)
    parser.add_argument(
        "--location", metavar="NAME", help="where the agent measures from (default: from the file)"
    )
    _add_workers(parser)
    parser.set_defaults(run=_run_everything)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_roles(commands)
    _add_questions(commands)
    _add_alert(commands)
    _add_maintenance(commands)
    return parser


def _add_roles(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    web = _command(commands, "web", "the board and the API only", _run_web)
    _add_address(web)
    agent = _command(commands, "agent", "the prober only; many may share one MongoDB", _run_agent)
    agent.add_argument("--location", metavar="NAME", help="where this agent measures from")
    _add_workers(agent)
    agent.add_argument("--exit-with-parent", action="store_true", help=argparse.SUPPRESS)
    simulate = _command(commands, "simulate", "a loopback provider that misbehaves on request", _simulate)
    simulate.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    simulate.add_argument("--port", type=int, default=9600, help="0 picks a free one (default: %(default)s)")
    simulate.add_argument("--scenarios", type=Path, metavar="FILE", help="YAML: model name -> behaviour")
    simulate.add_argument(
        "--seed", type=int, default=1, help="same seed, same behaviour (default: %(default)s)"
    )
    simulate.add_argument("--list", action="store_true", help="list the built-in scenarios and exit")
    simulate.add_argument("--exit-with-parent", action="store_true", help=argparse.SUPPRESS)


def _add_questions(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    check = _command(commands, "check", "validate the configuration and print the plan and its cost", _check)
    check.add_argument("--json", action="store_true", help="machine-readable")
    probe = _command(commands, "probe", "measure targets and print them; nothing is stored", _probe)
    probe.epilog, probe.formatter_class = PROBE_EPILOG, argparse.RawDescriptionHelpFormatter
    probe.add_argument(
        "targets", metavar="TARGET", nargs="+", help="provider/client/model, or a unique part of it"
    )
    probe.add_argument("--json", action="store_true", help="the record, field names as in the store")
    how = probe.add_mutually_exclusive_group()
    how.add_argument("--watch", action="store_true", help="again and again, live, until Ctrl-C")
    how.add_argument("--compare", action="store_true", help="race them in rounds and say which is ahead")
    live = probe.add_argument_group("with --watch or --compare")
    live.add_argument(
        "--every", type=_pause, metavar="TIME", help="between two starts of a target: 5s (default), 500ms, 1m"
    )
    live.add_argument(
        "--count", type=_count, metavar="N", help="probes a target (--watch: endless; --compare: 20)"
    )
    race = probe.add_argument_group("with --compare")
    race.add_argument("--by", choices=METRICS, help="what decides (default: ttft)")
    race.add_argument("--until-clear", action="store_true", help="stop as soon as the front is clear")


def _add_alert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    alert = _command(commands, "alert", "try the channels of alerts, or list them", _list_alerts)
    asked = alert.add_subparsers(title="commands", metavar="COMMAND", required=True)
    test = _command(
        asked, "test", "send a test through every channel, or one, and say what happened", _test_alert
    )
    test.add_argument("channel", metavar="CHANNEL", nargs="?", help="its name (default: all)")
    test.epilog = "exit codes: 0 every channel accepted it; 1 one did not; 2 wrong arguments or configuration"
    _command(asked, "list", "show every channel and what it hears of; addresses are not shown", _list_alerts)


def _add_maintenance(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    export = _command(commands, "export", "write raw records as CSV or NDJSON", _export)
    export.add_argument("--format", choices=("ndjson", "csv"), default="ndjson", help="default: %(default)s")
    export.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    export.add_argument("--target", action="append", default=[], metavar="TARGET", help="repeatable")
    export.add_argument("--since", metavar="TIME", help="ISO 8601, e.g. 2026-11-01 (default: 90 days back)")
    export.add_argument("--until", metavar="TIME", help="ISO 8601 (default: now)")
    _command(commands, "rebuild", "make the rollups again from the raw records", _rebuild)


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    summary: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    _add_place(parser, is_root=False)
    parser.set_defaults(run=run)
    return parser


def _add_place(parser: argparse.ArgumentParser, *, is_root: bool) -> None:
    # Given before or after the command; the command's own default must not wipe out the one before it.
    default = None if is_root else argparse.SUPPRESS
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=default,
        help="default: config/local.yaml, else the demo",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", default=default, help="database and spool (default: data)"
    )


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default=argparse.SUPPRESS, help="address to listen on (default: 127.0.0.1)")
    parser.add_argument(
        "--port", type=_port, default=argparse.SUPPRESS, help="port to listen on (default: 9500)"
    )


def _add_workers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=_workers,
        metavar="N",
        default=argparse.SUPPRESS,
        help="processes that probe (default: agent.workers of the file, else 1)",
    )


def _workers(text: str) -> int:
    workers = int(text)
    if not 1 <= workers <= 64:
        raise argparse.ArgumentTypeError(f"{workers} workers cannot be; use 1 to 64")
    return workers


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is not a port; use 0 to 65535 (0 picks a free one)")
    return port


def _pause(text: str) -> float:
    from probes.settings.values import duration_seconds

    try:
        seconds = duration_seconds(float(text) if text.replace(".", "", 1).isdigit() else text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write 5s, 500ms or 1m30s") from None
    assert isinstance(seconds, float)
    return seconds


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PROBES:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of probes; write 1 to {MOST_PROBES}")
    return int(text)


def _options(parsed: argparse.Namespace) -> Options:
    return Options(
        config=parsed.config,
        data=parsed.data,
        host=getattr(parsed, "host", None),
        port=getattr(parsed, "port", None),
        location=getattr(parsed, "location", None),
        workers=getattr(parsed, "workers", None),
    )


def _run_everything(parsed: argparse.Namespace) -> int:
    from probes.service import run_everything

    return run_everything(_options(parsed))


def _run_web(parsed: argparse.Namespace) -> int:
    from probes.service import run_web

    return run_web(_options(parsed))


def _run_agent(parsed: argparse.Namespace) -> int:
    from probes.service import run_agent

    return run_agent(_options(parsed), exit_with_parent=parsed.exit_with_parent)


def _simulate(parsed: argparse.Namespace) -> int:
    from probes.commands import SimulateOptions, simulate

    return simulate(
        SimulateOptions(
            host=parsed.host,
            port=parsed.port,
            scenarios=parsed.scenarios,
            seed=parsed.seed,
            list_only=parsed.list,
            exit_with_parent=parsed.exit_with_parent,
        )
    )


def _check(parsed: argparse.Namespace) -> int:
    from probes.commands import check

    return check(_options(parsed), as_json=parsed.json)


def _probe(parsed: argparse.Namespace) -> int:
    from probes.commands import ProbeOptions, probe

    return probe(
        _options(parsed),
        ProbeOptions(
            targets=tuple(parsed.targets),
            as_json=parsed.json,
            is_watch=parsed.watch,
            is_compare=parsed.compare,
            every_seconds=parsed.every,
            count=parsed.count,
            by=parsed.by,
            until_clear=parsed.until_clear,
        ),
    )


def _test_alert(parsed: argparse.Namespace) -> int:
    from probes.alert_commands import try_channels

    return try_channels(_options(parsed), parsed.channel)


def _list_alerts(parsed: argparse.Namespace) -> int:
    from probes.alert_commands import list_alerts

    return list_alerts(_options(parsed))


def _export(parsed: argparse.Namespace) -> int:
    from probes.commands import ExportOptions, export

    return export(
        _options(parsed),
        ExportOptions(parsed.format, parsed.output, tuple(parsed.target), parsed.since, parsed.until),
    )


def _rebuild(parsed: argparse.Namespace) -> int:
    from probes.commands import rebuild

    return rebuild(_options(parsed))
