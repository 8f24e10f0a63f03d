"""`python -m shared.contracts generate|check`: snapshots, examples and the AsyncAPI document.

`generate` writes what follows from the models; `check` says what is wrong and ends with 1 when anything is.
"""

import argparse
import sys

from shared.contracts import EVENTS, asyncapi, snapshots
from shared.contracts.check import faults, history_faults, notes


def main() -> int:
    """Run one of the two commands; the exit code is 0 when all is well."""
    parser = argparse.ArgumentParser(prog="python -m shared.contracts", description=__doc__)
    parser.add_argument("command", choices=("generate", "check"))
    return {"generate": _generate, "check": _check}[parser.parse_args().command]()


def _generate() -> int:
    broken = list(history_faults(snapshots.current(), snapshots.bases()))
    if broken:
        return _tell(broken)
    snapshots.write()
    asyncapi.write()
    sys.stdout.write(f"contracts: {len(EVENTS)} schemas and {asyncapi.DOCUMENT.name} written\n")
    return 0


def _check() -> int:
    for note in notes():
        sys.stdout.write(f"contracts: note: {note}\n")
    found = list(faults())
    if found:
        return _tell(found)
    sys.stdout.write(f"contracts: {len(EVENTS)} contracts hold\n")
    return 0


def _tell(found: list[str]) -> int:
    for fault in found:
        sys.stderr.write(f"contracts: {fault}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
