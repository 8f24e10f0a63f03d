"""The image: its recipe is sound, and what it holds is enough to start each process, and not more.

No container is built here. The recipe's own command lays out the code in a scratch folder, and each process is imported
from there alone.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dev.stack.layout import REPOSITORY
from dev.stack.topology import PARTS, Part

DOCKERFILE = REPOSITORY / "Dockerfile"
IGNORED = REPOSITORY / ".dockerignore"
LEFT_OUT = ("__pycache__", "*.pyc", "README.md", "node_modules", "dist")


def test_the_recipe_is_clean() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_last_stage_runs_as_nobody_in_particular() -> None:
    last = DOCKERFILE.read_text().rpartition("\nFROM ")[2]
    assert "USER 10001:10001" in last
    assert "apt-get" not in DOCKERFILE.read_text()


def test_only_locked_wheels_are_installed() -> None:
    text = DOCKERFILE.read_text()
    for option in ("--require-hashes", "--no-deps", "--only-binary :all:", "requirements.lock"):
        assert option in text
    assert "requirements-dev" not in text


def layout_command() -> str:
    """The RUN of the stage `code`, with the scratch folder's paths for the image's."""
    stage = DOCKERFILE.read_text().partition(" AS code\n")[2].partition("\nFROM ")[0]
    return stage.partition("\nRUN ")[2].replace("\\\n", " ")


def context(folder: Path) -> Path:
    """What Docker is sent: nothing but what .dockerignore lets through."""
    source = folder / "source"
    for line in IGNORED.read_text().splitlines():
        if line.startswith("!"):
            wanted = REPOSITORY / line[1:]
            target = source / line[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            if wanted.is_dir():
                shutil.copytree(wanted, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
            else:
                shutil.copy(wanted, target)
    return source


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = context(tmp_path_factory.mktemp("context"))
    pages = folder / "web/dist"
    pages.mkdir()
    (pages / "index.html").write_text("<!doctype html>")  # in the recipe, what the stage `pages` has built
    return folder


def laid_out(source: Path, app: Path, module: str) -> Path:
    app.mkdir()
    command = layout_command().replace("/source", str(source))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        ["bash", "-o", "errexit", "-o", "nounset", "-o", "pipefail", "-c", command],
        cwd=app,
        env={"MODULE": module, "PATH": path},
        check=True,
    )
    return app


def packages(app: Path) -> set[str]:
    return {str(file.parent.relative_to(app)) for file in app.rglob("*.py")}


def load(app: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run a line of Python that sees the scratch folder, the installed dependencies, and nothing of the repository."""
    program = f"import sys; sys.path.insert(0, {str(app)!r}); {code}"
    return subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=app, env={}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("part", [pytest.param(part, id=part.name) for part in PARTS])
def test_a_process_starts_from_what_its_image_holds_and_that_is_no_other_service(
    source: Path, tmp_path: Path, part: Part
) -> None:
    app = laid_out(source, tmp_path / "app", part.module)
    entry = part.module if part.module.endswith(".main") else f"{part.module}.__main__"
    done = load(app, f"import {entry}; print(sys.modules['{entry}'].__file__)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(str(app))
    roots = {re.sub(r"^(services/[^/]+|[^/]+).*", r"\1", package) for package in packages(app)}
    assert roots - {"services"} == {home_of(part), "shared"}
    assert not list(app.rglob("*.key"))


def test_the_gateways_image_alone_holds_the_pages(source: Path, tmp_path: Path) -> None:
    assert "KAQUAN_PAGES_DIR=/app/web-dist" in DOCKERFILE.read_text()
    assert (laid_out(source, tmp_path / "gateway", "gateway.main") / "web-dist/index.html").exists()
    assert not (laid_out(source, tmp_path / "order", "services.order.main") / "web-dist").exists()


def home_of(part: Part) -> str:
    """The one package an image holds beside `shared`; one image holds both sandboxes."""
    own = part.module.removesuffix(".main").replace(".", "/")
    return own if own.startswith("services/") else own.partition("/")[0]


def test_keys_are_made_by_an_image_of_their_own(source: Path, tmp_path: Path) -> None:
    app = laid_out(source, tmp_path / "app", "dev.stack.keys")
    keys = tmp_path / "keys"
    code = f"from pathlib import Path; from dev.stack.keys import make_missing; make_missing(Path({str(keys)!r}))"
    done = load(app, code)
    assert done.returncode == 0, done.stderr
    assert (keys / "internal.key").stat().st_mode & 0o777 == 0o600
    assert packages(app) >= {"dev", "dev/stack", "shared"}


def test_migrations_run_from_a_service_image(source: Path, tmp_path: Path) -> None:
    app = laid_out(source, tmp_path / "app", "services.risk.main")
    assert list((app / "services" / "risk" / "migrations" / "versions").glob("0001*.py"))
    assert load(app, "import shared.database.migrate, shared.messaging.topics").returncode == 0
