"""Documents that name code must name code that is there."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    REPOSITORY / "README.md",
    REPOSITORY / "ARCHITECTURE.md",
    *sorted(REPOSITORY.glob("services/*/README.md")),
    *sorted(REPOSITORY.glob("docs/decisions/*.md")),
]
CODE = re.compile(r"`((?:gateway|services|shared|sandbox|dev|deploy|docs|tests)/[\w./-]+?)(?::(\w+))?`")
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_what_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    wrong = [link for link in LINK.findall(text) if not (document.parent / link).exists()]
    for path, name in CODE.findall(text):
        place = REPOSITORY / path
        if not place.exists():
            wrong.append(path)
        elif name and not re.search(rf"\b(?:def|class) {name}\b", place.read_text()):
            wrong.append(f"{path}:{name}")
    assert not wrong
