"""On which terms a SKU is sold."""

from typing import Annotated, Any, Final

from pydantic import AwareDatetime, Field

from services.inventory.domain.terms import (
    BUYER_FIELDS_MAX,
    LADDER_STEPS_MAX,
    TIERS_MAX,
    BuyerField,
    BuyerFieldKind,
    BuyerFieldPattern,
    LadderStep,
    SkuPeriod,
)
from services.inventory.schemas.base import Incoming, PriceMinor, Quantity

QuantityLimit = Annotated[int, Field(ge=1, le=1_000)]
TierCode = Annotated[str, Field(min_length=1, max_length=50)]
TierCodes = Annotated[tuple[TierCode, ...], Field(max_length=TIERS_MAX)]
Label = Annotated[str, Field(min_length=1, max_length=50)]

TERMS_EXAMPLE: Final[dict[str, Any]] = {
    "period": "month",
    "ladder": [{"quantity_from": 10, "unit_minor": 1_800}, {"quantity_from": 100, "unit_minor": 1_700}],
    "min_per_order": 1,
    "order_step": 1,
    "max_per_member": 5,
    "max_per_member_day": 2,
    "tiers": [],
    "public_from": "2026-12-12T00:00:00+08:00",
    "early_tiers": ["gold", "platinum"],
    "buyer_fields": [
        {
            "name": "account",
            "label_zh": "手机号",
            "label_en": "Mobile number",
            "kind": "phone",
            "pattern": "cn_mobile",
            "required": True,
        }
    ],
}


class LadderStepIn(Incoming):
    """From this quantity in one order on, a unit costs this."""

    quantity_from: Annotated[int, Field(ge=2, le=10_000)]
    unit_minor: PriceMinor


class BuyerFieldIn(Incoming):
    """Something that the buyer has to tell at checkout. `choices` is for the kind `choice`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    label_zh: Label
    label_en: Label
    kind: BuyerFieldKind
    pattern: BuyerFieldPattern = BuyerFieldPattern.ANY
    required: bool = True
    choices: Annotated[tuple[Label, ...], Field(max_length=50)] = ()


Ladder = Annotated[tuple[LadderStepIn, ...], Field(max_length=LADDER_STEPS_MAX)]
BuyerFields = Annotated[tuple[BuyerFieldIn, ...], Field(max_length=BUYER_FIELDS_MAX)]


class Terms(Incoming):
    """The terms of a SKU; of one that is changed, those that shall be others. Without `tiers` it is sold to everybody; before `public_from` to `early_tiers` alone."""

    period: SkuPeriod | None = None
    ladder: Ladder = ()
    min_per_order: QuantityLimit = 1
    order_step: QuantityLimit = 1
    max_per_member: Quantity | None = None
    max_per_member_day: Quantity | None = None
    tiers: TierCodes = ()
    public_from: AwareDatetime | None = None
    early_tiers: TierCodes = ()
    buyer_fields: BuyerFields = ()

    def as_terms(self) -> dict[str, Any]:
        """The terms as a new SKU takes them."""
        return {
            **{name: getattr(self, name) for name in Terms.model_fields},
            "ladder": tuple(LadderStep(step.quantity_from, step.unit_minor) for step in self.ladder),
            "buyer_fields": tuple(BuyerField(**field.model_dump()) for field in self.buyer_fields),
        }
