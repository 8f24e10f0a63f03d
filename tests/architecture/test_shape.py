"""What import-linter cannot see: how long files and functions may be, and where some words may stand."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ROOTS = ("dev", "gateway", "sandbox", "services", "shared", "tests")
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 70

# Mechanism names no business; `shared/contracts` is where the business's words are at home. ("order" is SQL's word too.)
BUSINESS_WORDS = re.compile(
    r"\b(skus?|coupons?|memberships?|refunds?|settlements?|entitlements?|suppliers?|inventory)\b", re.IGNORECASE
)


def python_files(*roots: str) -> Iterator[Path]:
    """Written code. A migration is a listing of statements, drafted by a tool: it has no shape to keep."""
    for root in roots:
        yield from (file for file in sorted((REPOSITORY / root).rglob("*.py")) if "versions" not in file.parts)


def name_of(file: Path) -> str:
    return str(file.relative_to(REPOSITORY))


def test_no_file_is_too_long() -> None:
    lengths = {name_of(file): len(file.read_text().splitlines()) for file in python_files(*ROOTS)}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES_MAX} == {}


def test_no_function_is_too_long() -> None:
    lengths = {
        f"{name_of(file)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for file in python_files(*ROOTS)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES_MAX} == {}


def test_shared_names_no_business() -> None:
    """Identifiers only: a comment may give an example."""
    found = {
        f"{name_of(file)}: {word}"
        for file in python_files("shared")
        if "contracts" not in file.parts
        for word in _identifiers(ast.parse(file.read_text()))
        if BUSINESS_WORDS.search(word.replace("_", " "))
    }
    assert found == set()


def test_topics_are_named_in_one_place() -> None:
    """A dead-letter suffix outside the contracts or messaging is a topic written as a string."""
    offenders = [
        name_of(file)
        for file in python_files("gateway", "services", "sandbox")
        if re.search(r"""["'][a-z]+\.dlt["']""", file.read_text())
    ]
    assert offenders == []


def test_no_registry_address_in_what_is_locked() -> None:
    for name in (
        "requirements.in",
        "requirements-dev.in",
        "requirements.lock",
        "requirements-dev.lock",
        "web/node.lock",
    ):
        assert "://" not in (REPOSITORY / name).read_text(), name


def test_no_registry_address_in_what_the_pages_are_built_with() -> None:
    """An address in "resolved" would send everybody to the registry of whoever locked last."""
    assert '"resolved"' not in (REPOSITORY / "web/package-lock.json").read_text()


def _identifiers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
