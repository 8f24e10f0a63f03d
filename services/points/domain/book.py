"""The moves of one transaction on their way to storage."""

from collections.abc import Iterable
from uuid import UUID

from services.points.domain.ledger import Account, Entry, Lot, Move, Use


class Book:
    """Locked accounts and their lots as they stand after each move, and the lines to be written.

    Accounts are locked by whoever opens the book; it is written once, whole.
    """

    def __init__(self, accounts: Iterable[Account], lots: Iterable[Lot] = ()) -> None:
        self._accounts = {account.member_id: account for account in accounts}
        self._lots = {lot.lot_id: lot for lot in lots}
        self._changed_accounts: dict[UUID, None] = {}
        self._changed_lots: dict[UUID, None] = {}
        self.entries: list[Entry] = []
        self.uses: list[Use] = []

    def account(self, member_id: UUID) -> Account:
        """The account as it stands after the moves so far."""
        return self._accounts[member_id]

    def lot(self, lot_id: UUID) -> Lot:
        """The lot as it stands after the moves so far."""
        return self._lots[lot_id]

    def open_lots(self, member_id: UUID) -> list[Lot]:
        """The member's lots in this book that have something left."""
        return [lot for lot in self._lots.values() if lot.member_id == member_id and lot.remaining]

    def add_lots(self, lots: Iterable[Lot]) -> None:
        """Bring in more lots from storage; those that are here already have moved on and stay."""
        for lot in lots:
            self._lots.setdefault(lot.lot_id, lot)

    def post(self, move: Move) -> None:
        """Let a move take effect."""
        self._accounts[move.account.member_id] = move.account
        self._changed_accounts[move.account.member_id] = None
        for lot in move.lots:
            self._lots[lot.lot_id] = lot
            self._changed_lots[lot.lot_id] = None
        if move.entry is not None:
            self.entries.append(move.entry)
        self.uses.extend(move.uses)

    @property
    def changed_accounts(self) -> list[Account]:
        return [self._accounts[member_id] for member_id in self._changed_accounts]

    @property
    def changed_lots(self) -> list[Lot]:
        return [self._lots[lot_id] for lot_id in self._changed_lots]
