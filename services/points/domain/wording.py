"""How an entry explains itself to its member, in his language."""

from services.points.domain.earning import Rule
from services.points.domain.ledger import EntryKind
from shared.money import CNY, format_minor


def why(
    kind: EntryKind, *, points: int, settled: int, rule: Rule | None, amount_minor: int | None, reason: str | None
) -> str:
    """One sentence: what happened and how the number came about."""
    match kind:
        case EntryKind.EARN:
            return _earned(points, settled, rule, amount_minor or 0)
        case EntryKind.REVERSE:
            return f"商品已退款，收回所得 {-points} 分" + (f"，其中 {-settled} 分已使用，记为待抵扣" if settled else "")
        case EntryKind.EXPIRE:
            return f"{-points} 分已过有效期"
        case EntryKind.ADJUST:
            given = f"人工补发 {points} 分" if points > 0 else f"人工扣减 {-points} 分"
            return f"{given}：{reason}" + (f"，其中 {settled} 分抵扣欠分" if settled else "")


def _earned(points: int, settled: int, rule: Rule | None, amount_minor: int) -> str:
    paid = f"消费 {format_minor(amount_minor, CNY)} 元"
    by = f"，每 {format_minor(rule.per_minor, CNY)} 元得 {rule.points} 分（规则第 {rule.version} 版）" if rule else ""
    debt = f"，其中 {settled} 分抵扣欠分" if settled else ""
    return f"{paid}{by}，得 {points} 分{debt}"
