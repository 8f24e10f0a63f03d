"""What the provider does wrong when it is asked to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


class FaultError(ValueError):
    """There is no such fault, or not in that degree."""


@dataclass(frozen=True, slots=True)
class Faults:
    """`late_s`: the notify comes that much later. `twice`: it comes twice. `never`: it does not come at all.

    `wrong_amount` and `bad_signature` spoil every notify; `refund_fails` refuses refunds; `slow_s` delays every answer to
    the merchant's calls.
    """

    late_s: float = 0.0
    twice: bool = False
    never: bool = False
    wrong_amount: bool = False
    bad_signature: bool = False
    refund_fails: bool = False
    slow_s: float = 0.0


NO_FAULTS = Faults()
LONGEST_S = 3600.0


def read_faults(asked: Mapping[str, object]) -> Faults:
    """Faults by name.

    :raises FaultError: an unknown name, or a value of the wrong kind.
    """
    known = {field.name: field.type for field in fields(Faults)}
    values: dict[str, float | bool] = {}
    for name, value in asked.items():
        if name not in known:
            raise FaultError(f"no fault is called {name}; there are {', '.join(known)}")
        values[name] = _seconds(name, value) if name.endswith("_s") else _switch(name, value)
    return Faults(**values)  # type: ignore[arg-type]  # each value was read as its field's kind


def as_json(faults: Faults) -> dict[str, object]:
    """Only what differs from none."""
    return {name: value for name, value in asdict(faults).items() if value}


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_S:
        raise FaultError(f"{name} is a number of seconds up to {LONGEST_S:g}")
    return float(value)


def _switch(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise FaultError(f"{name} is true or false")
    return value
