"""The table for people and the line for machines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Report:
    """Figures in the order in which they were taken."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)

    def add(self, name: str, value: float, shown: str, note: str = "", *, key: str | None = None) -> None:
        """`key` is the figure's name in the JSON line."""
        self.rows.append((name, shown, note))
        if key is not None:
            self.figures[key] = round(value, 2)

    def table(self) -> str:
        widths = [max(len(row[column]) for row in self.rows) for column in range(2)]
        return "\n".join(
            f"{name:<{widths[0]}}  {shown:>{widths[1]}}  {note}".rstrip() for name, shown, note in self.rows
        )

    def line(self) -> str:
        return json.dumps({"bench": self.figures}, ensure_ascii=False)


def processor_table(seconds: Mapping[str, float], *, purchases: int) -> str:
    """Processor milliseconds per purchase, dearest first."""
    ordered = sorted(seconds.items(), key=lambda item: -item[1])
    lines = [f"  {name:<18} {spent * 1000 / max(purchases, 1):8.2f} ms" for name, spent in ordered]
    whole = sum(seconds.values()) * 1000 / max(purchases, 1)
    return "\n".join(["processor time per purchase", *lines, f"  {'together':<18} {whole:8.2f} ms"])
