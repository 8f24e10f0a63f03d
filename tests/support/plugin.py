"""Rules of the test run: nothing is skipped in CI, and what needs Kafka itself is left out only where it cannot be had."""

from collections.abc import Sequence

import pytest

from dev.stack.brokers import Flavour, wanted_flavour
from dev.stack.kafka import libraries
from dev.stack.kafka.libraries import KafkaUnavailableError
from dev.stack.layout import Layout
from tests.support.brokers import in_ci

LEFT_OUT = pytest.StashKey[list[str]]()
REASON = pytest.StashKey[str]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked `needs_kafka` where only the embedded broker can be had."""
    needing = [item for item in items if item.get_closest_marker("needs_kafka")]
    reason = _why_no_kafka() if needing else None
    if reason is None:
        return
    items[:] = [item for item in items if item not in needing]
    config.hook.pytest_deselected(items=needing)
    config.stash[LEFT_OUT] = [item.nodeid for item in needing]
    config.stash[REASON] = reason


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """CI fails on any skip: a test that did not run proves nothing."""
    if in_ci() and exitstatus == pytest.ExitCode.OK and (_skipped(session.config) or _left_out(session.config)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = _left_out(config)
    if left_out:
        terminalreporter.section("left out: Apache Kafka cannot be had here", yellow=True)
        terminalreporter.line(config.stash[REASON])
        for test in left_out:
            terminalreporter.line(f"  {test}")
    if in_ci() and (left_out or _skipped(config)):
        terminalreporter.line("CI refuses a run with tests skipped or left out.", red=True)


def _why_no_kafka() -> str | None:
    if not in_ci() and wanted_flavour() is Flavour.EMBEDDED:
        return "STACK=embedded asked for the embedded broker"
    try:
        libraries.provide(Layout.from_environment().kafka_libraries, say=print)
    except KafkaUnavailableError as error:
        return str(error)
    return None


def _left_out(config: pytest.Config) -> Sequence[str]:
    return config.stash.get(LEFT_OUT, [])


def _skipped(config: pytest.Config) -> Sequence[object]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return reporter.stats.get("skipped", []) if reporter else []
