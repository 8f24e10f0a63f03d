"""Documents that name code, commands, tests or settings must name what is there."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *sorted(REPOSITORY.glob("*.md")),
    *sorted(REPOSITORY.glob("services/*/README.md")),
    REPOSITORY / "gateway/README.md",
    REPOSITORY / "web/README.md",
    REPOSITORY / "deploy/k8s/README.md",
    *sorted(REPOSITORY.glob("docs/*/*.md")),
]
CODE_ROOTS = ("dev", "gateway", "sandbox", "services", "shared", "tests")

PLACE = re.compile(
    r"`((?:[\w.-]+/)+|(?:[\w.-]+/)*\.?[\w-]+(?:\.\w+)*\.(?:py|md|yml|yaml|in|lock|toml|json))(?::\s?(\w+))?`"
)
"""A directory that ends in a slash, or a file by its ending, with the name of something in it: `jobs.py:Jobs`."""

ROOTED = re.compile(r"`((?:gateway|services|shared|sandbox|dev|deploy|docs|tests|web)/[\w./-]+?)(?::\s?(\w+))?`")
LINK = re.compile(r"\]\(([^)#:]+)\)")
COMMAND = re.compile(r"(?:^|`|&& )make ([a-z][a-z0-9-]*)", re.MULTILINE)
NAMED = re.compile(r"`((?:test|uq|ck|fk|ix)_\w+)`")
VARIABLE = re.compile(r"`KAQUAN_([A-Z][A-Z_]*[A-Z])`")

MADE = {"internal.key", "kek.json", "operator-seed.json", "access.json"}
"""Files that a running stack or an operator makes."""


@cache
def code() -> str:
    return "\n".join(file.read_text() for root in CODE_ROOTS for file in sorted((REPOSITORY / root).rglob("*.py")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_what_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    wrong = [link for link in LINK.findall(text) if not (document.parent / link).exists()]
    wrong += _missing_places(document, text)
    makefile = (REPOSITORY / "Makefile").read_text()
    wrong += [f"make {name}" for name in COMMAND.findall(text) if not re.search(rf"^{name}:", makefile, re.MULTILINE)]
    wrong += [name for name in NAMED.findall(text) if not re.search(rf"\b{name}\b", code())]
    wrong += [name for name in VARIABLE.findall(text) if f"KAQUAN_{name}" not in code() and name.lower() not in code()]
    assert not wrong


def _missing_places(document: Path, text: str) -> Iterator[str]:
    for path, name in sorted({*PLACE.findall(text), *ROOTED.findall(text)}):
        if path in MADE:
            continue
        place = next((home / path for home in _homes(document) if (home / path).exists()), None)
        if place is None:
            yield path
        elif name and not re.search(rf"\b(?:def|class) {name}\b", place.read_text()):
            yield f"{path}:{name}"


def _homes(document: Path) -> tuple[Path, ...]:
    """Where a path in a document may begin: at the repository, beside the document, in its service and that one's tests."""
    service = document.parent.name
    return REPOSITORY, document.parent, REPOSITORY / "services" / service, REPOSITORY / "tests" / service
