"""Java and Kafka's jars: found, or fetched through Maven and checked against the hashes in the repository."""

import hashlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
JAVA_OLDEST = 17
FETCH_WITHIN_S = 900
INSTALL_WITHIN_S = 900
TELL_EVERY_S = 5
DEBIAN_PACKAGES = {"java": "default-jre-headless", "mvn": "maven"}


class KafkaUnavailableError(RuntimeError):
    """Kafka cannot be had on this machine; the message says what is missing."""


@dataclass(frozen=True)
class KafkaPrograms:
    java: str
    libraries: Path

    @property
    def class_path(self) -> str:
        return f"{self.libraries}/*"


def provide(libraries: Path, *, say: Callable[[str], None]) -> KafkaPrograms:
    """Java and the complete, unaltered jars; fetches what is missing.

    :raises KafkaUnavailableError: when Java or the jars cannot be had.
    """
    java = _find_java() or _install_java(say)
    if not is_complete(libraries):
        _fetch(libraries, say=say)
    return KafkaPrograms(java=java, libraries=libraries)


def is_complete(libraries: Path) -> bool:
    """Whether every jar of the list is there with the size and hash it should have, and none beside them."""
    expected = _expected_hashes()
    present = {jar.name for jar in libraries.glob("*.jar")} if libraries.exists() else set()
    return present == set(expected) and all(_sha256(libraries / name) == digest for name, digest in expected.items())


def _expected_hashes() -> Mapping[str, str]:
    lines = (HERE / "jars.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _find_java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    candidates += [found] if (found := shutil.which("java")) else []
    return next((java for java in candidates if _java_major(java) >= JAVA_OLDEST), None)


def _java_major(java: str) -> int:
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    match = re.search(r'version "(\d+)', answer.stderr)
    return int(match.group(1)) if match else 0


def _install_java(say: Callable[[str], None]) -> str:
    _install("java", say)
    java = _find_java()
    if java is None:
        raise KafkaUnavailableError(f"no Java {JAVA_OLDEST} or later on the PATH or under JAVA_HOME")
    return java


def _install(program: str, say: Callable[[str], None]) -> None:
    """Debian lets root install it; anywhere else the user is asked to."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise KafkaUnavailableError(f"{program} is missing; install Java {JAVA_OLDEST}+ and Maven for Apache Kafka")
    package = DEBIAN_PACKAGES[program]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", package],
    ):
        if _run_telling(command, environment=environment, what=f"installing {package}", say=say) != 0:
            raise KafkaUnavailableError(f"could not install {package}: `{' '.join(command)}` failed")


def _fetch(libraries: Path, *, say: Callable[[str], None]) -> None:
    """Fetch into a directory beside, check, then put it in place: a broken download never looks complete."""
    if not shutil.which("mvn"):
        _install("mvn", say)
    fresh = libraries.with_name(libraries.name + ".fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    command = [
        "mvn", "--batch-mode", "--quiet", "--strict-checksums", "-Dstyle.color=never", f"--file={HERE / 'pom.xml'}",
        "dependency:copy-dependencies", f"-DoutputDirectory={fresh}", "-DincludeScope=runtime",
    ]  # fmt: skip
    what = "fetching Apache Kafka through Maven (about 50 MB)"
    if _run_telling(command, environment=os.environ, what=what, say=say) != 0:
        raise KafkaUnavailableError("Maven could not fetch Kafka's jars")
    if not is_complete(fresh):
        raise KafkaUnavailableError(f"the jars fetched into {fresh} differ from {HERE / 'jars.sha256'}")
    shutil.rmtree(libraries, ignore_errors=True)
    fresh.rename(libraries)


def _run_telling(command: list[str], *, environment: Mapping[str, str], what: str, say: Callable[[str], None]) -> int:
    """Run a long step and say every few seconds that it goes on; its own words are shown only when it fails."""
    started = time.monotonic()
    say(f"{what} ...")
    limit = max(FETCH_WITHIN_S, INSTALL_WITHIN_S)
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as child:
        while True:
            try:
                output, _ = child.communicate(timeout=TELL_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                elapsed_s = time.monotonic() - started
                say(f"{what} ... {elapsed_s:.0f} s")
                if elapsed_s > limit:
                    child.kill()
    if child.returncode != 0:
        say(output.strip()[-2000:])
    return child.returncode
