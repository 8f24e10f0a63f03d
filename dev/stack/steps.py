"""Single commands of the product that a stack runs to their end: topics, migrations, the demo catalogue."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.stack.layout import REPOSITORY
from dev.stack.telling import Say

STEP_WITHIN_S = 300
TOLD_LINES = 25


class StepFailedError(RuntimeError):
    """A step ended badly, or could not begin; the message carries its words."""


def run_step(what: str, module: str, *arguments: str, environment: Mapping[str, str], logs: Path, say: Say) -> str:
    """Run `python -m module` and return what it printed; its errors go to a log named after the step.

    :raises StepFailedError: with the end of that log.
    """
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{what.replace(' ', '-')}.log"
    with log.open("ab") as errors:
        answer = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            timeout=STEP_WITHIN_S,
            check=False,
        )
    if answer.returncode != 0:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-TOLD_LINES:])
        raise StepFailedError(f"{what} failed.\n{answer.stdout}{end}")
    say(f"{what:<18} done")
    return answer.stdout
