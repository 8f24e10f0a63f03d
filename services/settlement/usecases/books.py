from dataclasses import dataclass, field

from services.settlement.repository.accounts import AccountNumbers
from services.settlement.repository.contracts import PublishedContracts


@dataclass(frozen=True, slots=True)
class Books:
    """What one process remembers of things that never change: account numbers, published contracts."""

    accounts: AccountNumbers = field(default_factory=AccountNumbers)
    contracts: PublishedContracts = field(default_factory=PublishedContracts)
