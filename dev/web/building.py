"""Build the pages when what they are made of changed, and check them likewise. A stamp keeps what was done last."""

import fcntl
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from dev.stack.layout import REPOSITORY, Layout
from dev.web.node import Node, NodeFailedError, provide

WEB = REPOSITORY / "web"
DIST = WEB / "dist"
MADE = frozenset({"node_modules", "dist"})
"""What lies in `web/` and is made there."""

CHECKS = ("format:check", "lint", "types")
"""Scripts of package.json that say what a reviewer would say first."""

Say = Callable[[str], None]


class PagesNotBuiltError(RuntimeError):
    """The pages could not be built; the message says why."""


def build_pages(layout: Layout, *, say: Say) -> bool:
    """Build the pages if anything in `web/` changed since; says whether it did.

    :raises PagesNotBuiltError: Node cannot be had, or the build failed.
    """
    with _alone():
        wanted = digest_of_sources()
        if _read(DIST / ".stamp") == wanted:
            return False
        try:
            node = _ready(layout, say=say)
            say("pages      building")
            node.run_script("build")
        except NodeFailedError as error:
            raise PagesNotBuiltError(str(error)) from error
        (DIST / ".stamp").write_text(wanted)
        return True


def check_pages(layout: Layout, documents: Path, *, say: Say) -> None:
    """Format, lint and types of the pages, the API's types made anew from its documents. Skipped where nothing changed.

    :raises NodeFailedError: with what is wrong.
    """
    with _alone():
        stamp = documents.parent / "checked"
        wanted = digest_of_sources(*sorted(documents.glob("*.json")))
        if _read(stamp) == wanted:
            say("pages      nothing changed since they were checked")
            return
        node = _ready(layout, say=say)
        node.run_script("api", str(documents))
        say(f"pages      {', '.join(CHECKS)}")
        with ThreadPoolExecutor() as side_by_side:
            list(side_by_side.map(node.run_script, CHECKS))
        stamp.write_text(wanted)


def digest_of_sources(*others: Path) -> str:
    """A digest over the names and contents of everything in `web/` that is not made there, and of other files."""
    digest = hashlib.sha256()
    for file in [*_sources(WEB), *others]:
        digest.update(f"{file}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _sources(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if path.is_dir():
            if path.name not in MADE:
                yield from _sources(path)
        elif not path.name.endswith((".d.ts", ".md")):
            yield path


def _ready(layout: Layout, *, say: Say) -> Node:
    """Node with the packages of the lock file."""
    node = provide(layout.cache / "web/node", say=say)
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    stamp = WEB / "node_modules/.stamp"
    if _read(stamp) != lock:
        say("pages      fetching what they are built with")
        node.run_npm("ci", "--ignore-scripts", "--no-audit", "--no-fund")
        stamp.write_text(lock)
    return node


def _read(stamp: Path) -> str:
    return stamp.read_text() if stamp.exists() else ""


@contextmanager
def _alone() -> Iterator[None]:
    """Two stacks of one checkout share its pages."""
    place = REPOSITORY / ".local/web"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
