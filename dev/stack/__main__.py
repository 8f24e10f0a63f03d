"""The launcher's command line; `make help` shows what each command is for."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from dev.stack import access, watching
from dev.stack.compose import ComposeStack, ComposeUnavailableError, compose
from dev.stack.kafka.libraries import KafkaUnavailableError
from dev.stack.layout import REPOSITORY
from dev.stack.lifecycle import Stack
from dev.stack.ports import PortTakenError
from dev.stack.postgres_programs import PostgresMissingError
from dev.stack.processes import StartFailedError
from dev.stack.steps import StepFailedError
from dev.stack.telling import plain_voice, timed_voice
from dev.stack.topology import PARTS, SERVICES, find_part

FORESEEN = (
    ComposeUnavailableError,
    KafkaUnavailableError,
    PortTakenError,
    PostgresMissingError,
    StartFailedError,
    StepFailedError,
)


def main() -> int:
    arguments = _parser().parse_args()
    commands: Mapping[str, Callable[[argparse.Namespace], int]] = {
        "up": _up,
        "down": _down,
        "clean": _clean,
        "status": _status,
        "logs": _logs,
        "run": _run,
        "migrate": _migrate,
        "migration": _migration,
    }
    try:
        return commands[arguments.command](arguments)
    except FORESEEN as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _up(arguments: argparse.Namespace) -> int:
    voice = timed_voice()
    if _wants_compose():
        composed = ComposeStack.from_environment(voice)
        _tell_access(composed.up(), file=composed.layout.access_file)
        return 0
    stack = Stack.from_environment(voice)
    if arguments.infrastructure:
        stack.up_infrastructure()
        return 0
    _tell_access(stack.up(), file=stack.layout.access_file)
    return 0


def _tell_access(found: access.Access, *, file: Path) -> None:
    say = plain_voice()
    say("\nEverything is up.\n")
    servers = cast("dict[str, str]", found["stack"])
    sandbox = cast("dict[str, str]", found["sandbox"])
    say(f"Shop       {found['gateway']}/")
    say(f"Gateway    {found['gateway']}  (documents: {found['gateway']}/docs)")
    say(f"Sandbox    payment {sandbox['payment']}, supplier {sandbox['supplier']}")
    say(
        f"PostgreSQL {servers['postgres'].rpartition('@')[2].removesuffix('/postgres')}, one database and role per service"
    )
    if servers["kafka"] == "kafka":
        say(f"Broker     Apache Kafka on {servers['bootstrap']}")
    else:
        say(
            f"Broker     embedded, on {servers['bootstrap']}: for trying the product only; it keeps nothing over a stop"
        )
    say("Operators sign in with")
    for line in access.sign_in_lines(cast("access.Entries", found["operators"])):
        say(line)
    say(f"Everything above, and the partners' keys: {file}")
    say("Next: make demo, make status, make logs, make down")


def _down(_: argparse.Namespace) -> int:
    if _wants_compose():
        compose("down")
        return 0
    stack = Stack.from_environment(timed_voice())
    stack.down()
    stack.say("stopped; data is kept, `make up` finds it again")
    return 0


def _clean(_: argparse.Namespace) -> int:
    if _wants_compose():
        compose("down", "--volumes")
        return 0
    stack = Stack.from_environment(timed_voice())
    stack.clean()
    stack.say(f"stopped and forgotten: {stack.layout.root}")
    return 0


def _status(_: argparse.Namespace) -> int:
    if _wants_compose():
        compose("ps")
        return 0
    stack = Stack.from_environment(plain_voice())
    if not watching.tell_status(stack.supervisor, stack.ports, say=stack.say):
        return 1
    if stack.layout.access_file.exists():
        stack.say("operators sign in with")
        known = access.read_access(stack.layout.access_file)
        for line in access.sign_in_lines(cast("access.Entries", known["operators"])):
            stack.say(line)
    return 0


def _logs(arguments: argparse.Namespace) -> int:
    if _wants_compose():
        compose("logs", "--follow", *arguments.names)
        return 0
    stack = Stack.from_environment(plain_voice())
    watching.follow_logs(stack.layout.logs, arguments.names, say=stack.say)
    return 0


def _run(arguments: argparse.Namespace) -> int:
    """Take the service out of the background and become it, so that a debugger and Ctrl-C work.

    With words of its own (`run settlement verify`) it is another command of the service, beside the one that serves.
    """
    stack = Stack.from_environment(plain_voice())
    part = find_part(arguments.name)
    if part is None:
        names = ", ".join(part.name for part in PARTS)
        raise StepFailedError(f"there is no service {arguments.name!r}; there are {names}")
    environment = stack.running_environment()
    if not arguments.words:
        stack.supervisor.stop(part.name)
        stack.say(f"{part.name} in the foreground on {stack.ports.address(part.name)}; `make up` puts it back")
    os.chdir(REPOSITORY)
    command = [sys.executable, "-m", part.module, *arguments.words]
    os.execve(sys.executable, command, environment.complete())  # noqa: S606  (no shell)


def _migrate(arguments: argparse.Namespace) -> int:
    stack = Stack.from_environment(timed_voice())
    stack.migrate(arguments.names or list(SERVICES))
    return 0


def _migration(arguments: argparse.Namespace) -> int:
    if not (arguments.name and arguments.message):
        raise StepFailedError('say which service and why: make migration s=order m="add a column"')
    stack = Stack.from_environment(timed_voice())
    stack.write_migration(arguments.name, message=arguments.message)
    return 0


def _wants_compose() -> bool:
    return os.environ.get("STACK") == "compose"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dev.stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start what is missing")
    up.add_argument("--infrastructure", action="store_true", help="databases, schemas, broker and topics only")
    for name in ("down", "clean", "status"):
        commands.add_parser(name)
    for name in ("logs", "migrate"):
        commands.add_parser(name).add_argument("names", nargs="*")
    run = commands.add_parser("run")
    run.add_argument("name")
    run.add_argument("words", nargs="*")
    migration = commands.add_parser("migration")
    migration.add_argument("name")
    migration.add_argument("message")
    return parser


if __name__ == "__main__":
    sys.exit(main())
