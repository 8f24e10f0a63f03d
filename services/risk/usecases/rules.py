"""Changing rules: as a whole set, whose next version it becomes. Older versions stay, because decisions name them."""

from collections.abc import Sequence
from datetime import datetime

from services.risk import repository
from services.risk.domain.rules import Rule, RuleSet, default_rules, require_valid
from services.risk.usecases.lists import CHANNEL
from shared.clock import new_id
from shared.database import UnitOfWork


class RulesChangedError(Exception):
    """Somebody else changed the rules since they were read. `extra` tells the version in force."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the rules are at version {version}")
        self.extra = {"version": version}


async def seed_rules(uow: UnitOfWork, *, scale: int, now: datetime) -> RuleSet:
    """The rules in force; in a new installation the default ones are written down first. See `default_rules`."""
    await repository.lock_rulebook(uow)
    known = await repository.latest_rule_set(uow)
    if known is not None:
        return known
    first = RuleSet(1, default_rules(scale=scale))
    note = f"the rules of a new installation, limits times {scale}"
    await repository.insert_rule_set(uow, first, note=note, operator="system", now=now)
    return first


async def replace_rules(
    uow: UnitOfWork, rules: Sequence[Rule], *, expected_version: int, note: str, operator: str, now: datetime
) -> RuleSet:
    """Put another set in the place of the one that was read as `expected_version`.

    :raises InvalidRulesError: a rule could not be kept, could not be told apart, or would never speak.
    :raises RulesChangedError: the set in force is not the one that was read.
    """
    require_valid(rules)
    await repository.lock_rulebook(uow)
    known = await repository.latest_rule_set(uow)
    version = 0 if known is None else known.version
    if version != expected_version:
        raise RulesChangedError(version)
    rule_set = RuleSet(version + 1, tuple(rules))
    await repository.insert_rule_set(uow, rule_set, note=note, operator=operator, now=now)
    audit = repository.AuditEntry(
        entry_id=new_id(),
        action="rules.replace",
        subject=f"rules/{rule_set.version}",
        operator=operator,
        note=note,
        detail={"from_version": version},
        done_at=now,
    )
    await repository.add_audit(uow, audit)
    uow.after_commit(lambda: uow.database.ring(CHANNEL))
    return rule_set
