"""What partners honour."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from services.inventory.domain.cards import CODE_LENGTH_MAX
from services.inventory.domain.offline import ConflictReason
from services.inventory.domain.redeeming import RedemptionChannel
from services.inventory.domain.undoing import UndoneBy
from services.inventory.schemas.base import NAME_LENGTH_MAX, Incoming
from services.inventory.schemas.goods import FaceValueOut

BATCH_MAX = 500
"""Items of one call: a few statements, and an answer that a till can still read."""

Place = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]


class TillIn(Incoming):
    """Where a code is presented, as the partner names its places and people."""

    store: Place | None = Field(default=None, examples=["上海南京西路店"])
    terminal: Place | None = Field(default=None, examples=["POS-03"])
    cashier: Place | None = Field(default=None, examples=["E1024"])


class RedemptionIn(TillIn):
    """A code presented at a partner, as typed (`code`) or as read from a QR code (`qr`)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"code": "COFFEE-7QX2-9KLM", "store": "上海南京西路店", "terminal": "POS-03", "cashier": "E1024"}
            ]
        }
    )

    code: SecretStr | None = Field(default=None, min_length=1, max_length=CODE_LENGTH_MAX)
    qr: SecretStr | None = Field(default=None, min_length=1, max_length=CODE_LENGTH_MAX)


class RedemptionOut(BaseModel):
    """A code that was honoured; with `undone_at` it does not count any more. `channel` is absent where that was not kept yet."""

    redemption_id: UUID
    entitlement_id: UUID
    partner_id: UUID
    sku_id: UUID
    order_id: UUID
    masked: str
    channel: RedemptionChannel | None = None
    store: str | None = None
    terminal: str | None = None
    cashier: str | None = None
    redeemed_at: datetime
    undone_at: datetime | None = None
    undone_by: UndoneBy | None = None
    undo_reason: str | None = None


class RedemptionOpsOut(RedemptionOut):
    """The same for operators, with who undid it."""

    undone_subject: str | None = None


class UndoIn(Incoming):
    """Why a redemption is undone."""

    reason: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX, examples=["收银员误操作，顾客改日再用"])]


class RedeemedOut(BaseModel):
    """The answer to a redemption. `value` is what a cash voucher takes off the bill."""

    redemption_id: UUID
    masked: str
    redeemed_at: datetime
    value: FaceValueOut | None = None


class RedemptionsIn(Incoming):
    """Codes that were collected, to be honoured in one call."""

    items: Annotated[list[RedemptionIn], Field(min_length=1, max_length=BATCH_MAX)]


class RedemptionResultOut(BaseModel):
    """What became of one item. `code` says why it was refused, as a problem's code does."""

    position: int = Field(description="of the item in the call, from 0")
    outcome: Literal["redeemed", "refused"]
    redemption_id: UUID | None = None
    masked: str | None = None
    redeemed_at: datetime | None = None
    value: FaceValueOut | None = None
    code: str | None = Field(default=None, examples=["redemption.already_redeemed"])
    title: str | None = None


class RedemptionResultsOut(BaseModel):
    """What became of each item, in their order."""

    redeemed: int
    refused: int
    items: list[RedemptionResultOut]


class QrOut(BaseModel):
    """The text of a QR code. Made for one answer and kept nowhere."""

    qr: str = Field(repr=False, examples=["KQ1.AQGUgTn2yHvVpH..."])
    expires_at: datetime


class AcceptedIn(TillIn):
    """A voucher that a terminal accepted without a network."""

    qr: SecretStr = Field(min_length=1, max_length=CODE_LENGTH_MAX)
    accepted_at: AwareDatetime = Field(examples=["2026-11-20T18:02:11+08:00"])


class AcceptedListIn(Incoming):
    """What a terminal accepted since its last list; lines of earlier lists may be in it again."""

    items: Annotated[list[AcceptedIn], Field(min_length=1, max_length=BATCH_MAX)]


class VoucherKeyOut(BaseModel):
    """A key that verifies vouchers."""

    key_id: UUID
    algorithm: Literal["ed25519"] = "ed25519"
    public_key: str = Field(description="32 bytes in base64", examples=["A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="])
    made_at: datetime


class VoucherKeysOut(BaseModel):
    """All keys whose vouchers may be good now or from tomorrow on."""

    items: list[VoucherKeyOut]


class ConflictOut(BaseModel):
    """A true voucher that a store accepted and that could not be honoured any more."""

    conflict_id: UUID
    entitlement_id: UUID
    partner_id: UUID
    reason: ConflictReason
    store: str | None = None
    terminal: str | None = None
    cashier: str | None = None
    accepted_at: datetime
    recorded_at: datetime
