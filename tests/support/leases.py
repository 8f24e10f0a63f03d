"""A job that loses its lease half-way, as by a failing network: another replica may then begin the same work."""

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from shared.database import UnitOfWork

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

END_WHOEVER_HOLDS_A_LEASE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def losing_the_lease(
    step: Callable[Concatenate[UnitOfWork, Arguments], Awaitable[Answer]],
) -> Callable[Concatenate[UnitOfWork, Arguments], Awaitable[Answer]]:
    """The step, and after its work the connection that holds the job's lock is gone."""

    async def stepped(uow: UnitOfWork, /, *arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
        answer = await step(uow, *arguments, **named)
        await uow.raw.execute(END_WHOEVER_HOLDS_A_LEASE)
        return answer

    return stepped
