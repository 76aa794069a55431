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
    parser.set_defaults(run=_run_everything)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_roles(commands)
    _add_questions(commands)
    _add_maintenance(commands)
    return parser


def _add_roles(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    web = _command(commands, "web", "the board and the API only", _run_web)
    _add_address(web)
    agent = _command(commands, "agent", "the prober only; many may share one MongoDB", _run_agent)
    agent.add_argument("--location", metavar="NAME", help="where this agent measures from")
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
    probe = _command(commands, "probe", "measure one target once and print it; nothing is stored", _probe)
    probe.add_argument("target", metavar="TARGET", help="provider/client/model, or a unique part of it")
    probe.add_argument("--json", action="store_true", help="the record, field names as in the store")


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


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is not a port; use 0 to 65535 (0 picks a free one)")
    return port


def _options(parsed: argparse.Namespace) -> Options:
    return Options(
        config=parsed.config,
        data=parsed.data,
        host=getattr(parsed, "host", None),
        port=getattr(parsed, "port", None),
        location=getattr(parsed, "location", None),
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
    from probes.commands import probe

    return probe(_options(parsed), parsed.target, as_json=parsed.json)


def _export(parsed: argparse.Namespace) -> int:
    from probes.commands import ExportOptions, export

    return export(
        _options(parsed),
        ExportOptions(parsed.format, parsed.output, tuple(parsed.target), parsed.since, parsed.until),
    )


def _rebuild(parsed: argparse.Namespace) -> int:
    from probes.commands import rebuild

    return rebuild(_options(parsed))
