"""Where a stack keeps its state: one directory per checkout, so that `clean` is one removal."""

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Layout:
    """The directories of one stack. `cache` may be shared between stacks; everything else belongs to this one."""

    root: Path
    cache: Path

    @classmethod
    def from_environment(cls) -> "Layout":
        root = Path(os.environ.get("KAQUAN_LOCAL_DIR") or REPOSITORY / ".local").absolute()
        return cls(root=root, cache=Path(os.environ.get("KAQUAN_CACHE_DIR") or root).absolute())

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def processes(self) -> Path:
        return self.root / "processes"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def kafka(self) -> Path:
        return self.root / "kafka"

    @property
    def kafka_libraries(self) -> Path:
        return self.cache / "kafka" / "libs"

    @property
    def access_file(self) -> Path:
        return self.root / "access.json"

    @property
    def broker_file(self) -> Path:
        """Says which broker the running stack took, so that later commands agree with it."""
        return self.root / "broker.json"
