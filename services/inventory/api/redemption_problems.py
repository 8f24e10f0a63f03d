"""How a redemption that is refused answers: alone as a problem, in a batch as the code of its item."""

from typing import Final

from services.inventory.domain.redeeming import (
    AlreadyRedeemedError,
    CodeExpiredError,
    CodeUnknownError,
    RedeemRevokedError,
)
from services.inventory.domain.redemption_files import ExportTooLargeError
from shared.http import ProblemSpec

REDEMPTION_PROBLEMS: Final[dict[type[Exception], ProblemSpec]] = {
    AlreadyRedeemedError: ProblemSpec(409, "redemption.already_redeemed", "The code was redeemed before"),
    CodeExpiredError: ProblemSpec(409, "redemption.expired", "The code has expired"),
    CodeUnknownError: ProblemSpec(404, "redemption.code_unknown", "There is no such code"),
    ExportTooLargeError: ProblemSpec(422, "export.too_large", "There is too much for one file"),
    RedeemRevokedError: ProblemSpec(409, "redemption.revoked", "The code was taken back"),
}
