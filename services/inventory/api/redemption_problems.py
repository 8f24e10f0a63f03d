"""How a redemption that is refused answers: alone as a problem, in a batch as the code of its item."""

from typing import Final

from services.inventory.domain.offline import AcceptedAtWrongError
from services.inventory.domain.redeeming import (
    AlreadyRedeemedError,
    CodeExpiredError,
    CodeUnknownError,
    RedeemGiftError,
    RedeemRevokedError,
)
from services.inventory.domain.redemption_files import ExportTooLargeError
from services.inventory.domain.undoing import (
    RedemptionUndoneError,
    RedemptionUnknownError,
    UndoRefusedError,
    UndoTooLateError,
)
from services.inventory.domain.vouchers import (
    NotRedeemableHereError,
    VoucherExpiredError,
    VoucherInvalidError,
    VoucherOfOtherBrandError,
    VoucherUsedError,
)
from shared.http import ProblemSpec

REDEMPTION_PROBLEMS: Final[dict[type[Exception], ProblemSpec]] = {
    AcceptedAtWrongError: ProblemSpec(422, "redemption.accepted_at_wrong", "It cannot have been accepted then"),
    AlreadyRedeemedError: ProblemSpec(409, "redemption.already_redeemed", "The code was redeemed before"),
    CodeExpiredError: ProblemSpec(409, "redemption.expired", "The code has expired"),
    CodeUnknownError: ProblemSpec(404, "redemption.code_unknown", "There is no such code"),
    ExportTooLargeError: ProblemSpec(422, "export.too_large", "There is too much for one file"),
    NotRedeemableHereError: ProblemSpec(409, "entitlement.not_redeemable", "This cannot be redeemed by QR code"),
    RedeemGiftError: ProblemSpec(409, "redemption.gift_pending", "This is being given away"),
    RedeemRevokedError: ProblemSpec(409, "redemption.revoked", "The code was taken back"),
    RedemptionUndoneError: ProblemSpec(409, "redemption.undone", "The redemption was undone before"),
    RedemptionUnknownError: ProblemSpec(404, "redemption.unknown", "There is no such redemption"),
    UndoRefusedError: ProblemSpec(409, "redemption.undo_refused", "What was redeemed cannot be given back"),
    UndoTooLateError: ProblemSpec(409, "redemption.undo_too_late", "The redemption can no longer be undone"),
    VoucherExpiredError: ProblemSpec(409, "redemption.qr_expired", "The QR code is over"),
    VoucherInvalidError: ProblemSpec(422, "redemption.qr_invalid", "This is not a QR code of ours"),
    VoucherOfOtherBrandError: ProblemSpec(409, "redemption.other_brand", "Another partner honours this"),
    VoucherUsedError: ProblemSpec(409, "redemption.qr_used", "The QR code was used before"),
}
