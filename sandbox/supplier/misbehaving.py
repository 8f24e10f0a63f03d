"""What a caller gets instead of an answer."""

import asyncio

from starlette.responses import HTMLResponse, Response

from sandbox.supplier.faults import Fault, FaultKind

NEVER_S = 60.0
"""How long a caller is kept who never gets an answer."""

BEFORE = frozenset({FaultKind.ERROR, FaultKind.LOST, FaultKind.DEAD})
"""They strike before the supplier hears of the call."""

AFTER = frozenset({FaultKind.ERROR_AFTER, FaultKind.GARBAGE, FaultKind.NEVER})
"""They strike when all is done, in place of the answer."""


async def misbehave(fault: Fault) -> Response:
    """The answer that is none."""
    if fault.kind in {FaultKind.NEVER, FaultKind.LOST}:
        await asyncio.sleep(NEVER_S)
    if fault.kind is FaultKind.GARBAGE:
        return HTMLResponse("<html><body>系统繁忙, 请稍后再试</body></html>")
    if fault.kind is FaultKind.DEAD:
        return HTMLResponse("<html><body>502 Bad Gateway</body></html>", status_code=502)
    return Response("upstream error", status_code=500)
