"""The rules of the test run itself: CI refuses skips, and a machine without Kafka says what it left out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.stack.layout import REPOSITORY

SKIPPING = "import pytest\n\ndef test_done():\n    pass\n\n@pytest.mark.skip\ndef test_skipped():\n    pass\n"
NEEDING = "import pytest\n\ndef test_done():\n    pass\n\n@pytest.mark.needs_kafka\ndef test_of_kafka():\n    pass\n"


def run_pytest(directory: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (directory / "pytest.ini").write_text("[pytest]\nmarkers = needs_kafka: needs Kafka\n")
    (directory / "test_sample.py").write_text(code)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.plugin", f"--rootdir={directory}", str(directory)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("in_ci", "expected"), [("true", 1), ("", 0)])
def test_a_skip_fails_ci_and_nobody_else(tmp_path: Path, in_ci: str, expected: int) -> None:
    answer = run_pytest(tmp_path, SKIPPING, CI=in_ci)
    assert answer.returncode == expected, answer.stdout
    assert ("CI refuses" in answer.stdout) == bool(expected)


def test_without_kafka_what_needs_it_is_left_out_and_named(tmp_path: Path) -> None:
    answer = run_pytest(tmp_path, NEEDING, CI="", STACK="embedded")
    assert answer.returncode == 0, answer.stdout
    assert "1 passed, 1 deselected" in answer.stdout
    assert "test_of_kafka" in answer.stdout


def test_without_kafka_ci_fails(tmp_path: Path) -> None:
    """No Java on the PATH and nothing to install it with: Kafka cannot be had."""
    bare = {"PATH": str(tmp_path), "JAVA_HOME": "", "KAQUAN_CACHE_DIR": str(tmp_path)}
    answer = run_pytest(tmp_path, NEEDING, CI="true", **bare)
    assert answer.returncode == 1, answer.stdout
    assert "Apache Kafka cannot be had here" in answer.stdout
