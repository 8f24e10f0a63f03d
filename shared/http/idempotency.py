"""`Idempotency-Key`: a write asked for twice happens once, and the second time the first answer is given again.

The key, a hash of the input and the answer are stored in the transaction of the effect itself. Never keep an answer
that carries a plaintext code: what is stored here is stored in clear.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Header, Request, Response
from sqlalchemy import Column, DateTime, Index, LargeBinary, MetaData, SmallInteger, String, Table, func

from shared.http.callers import current_caller
from shared.http.identity import Identity
from shared.http.problems import Problem

if TYPE_CHECKING:
    from shared.database import UnitOfWork

MAX_KEY_CHARS = 255
REPLAYED = {"Idempotency-Replayed": "true"}

_FIND = """
with mine as materialized (
    select pg_try_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 0)) as got
)
select mine.got, kept.request_hash, kept.status, kept.body
from mine left join idempotency_keys kept on kept.caller = $1 and kept.key = $2
"""
_KEEP = """
insert into idempotency_keys (caller, key, request_hash, status, body) values ($1, $2, $3, $4, $5)
on conflict do nothing returning true
"""
_PRUNE = """
delete from idempotency_keys where ctid = any(array(
    select ctid from idempotency_keys where created_at < $1 limit $2
))
"""


def idempotency_table(metadata: MetaData) -> Table:
    """The table `idempotency_keys` on a service's metadata. Hot statements may write it themselves."""
    return Table(
        "idempotency_keys",
        metadata,
        Column("caller", String(200), primary_key=True),
        Column("key", String(MAX_KEY_CHARS), primary_key=True),
        Column("request_hash", LargeBinary(32), nullable=False),
        Column("status", SmallInteger, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Index("ix_idempotency_keys_created_at", "created_at"),
    )


@dataclass(frozen=True, slots=True)
class Stored:
    """The first answer, as it was given."""

    status: int
    body: bytes

    def response(self) -> Response:
        """The same answer again, marked as a repetition."""
        return Response(self.body, status_code=self.status, media_type="application/json", headers=REPLAYED)


async def once(uow: "UnitOfWork", *, caller: str, key: str, request_hash: bytes) -> Stored | None:
    """Whether this was done before: its answer, or `None` to go on (until this transaction ends, alone).

    :raises Problem: 422 `idempotency.reused`, the key came with other input before; 409 `idempotency.in_progress`,
        the same request is being worked on.
    """
    row = await uow.raw.fetchrow(_FIND, caller, key)
    if row is None or not row["got"]:
        raise in_progress()
    if row["request_hash"] is None:
        return None
    if row["request_hash"] != request_hash:
        raise reused()
    return Stored(status=row["status"], body=row["body"])


async def keep(uow: "UnitOfWork", *, caller: str, key: str, request_hash: bytes, status: int, body: bytes) -> None:
    """Store the answer, to be committed with the effect.

    :raises Problem: 409 `idempotency.in_progress`; another transaction committed the same key after `once` looked.
        The primary key is the second wall behind the advisory lock, and the caller's next try gets that answer.
    """
    if await uow.raw.fetchval(_KEEP, caller, key, request_hash, status, body) is None:
        raise in_progress()


async def prune_idempotency(uow: "UnitOfWork", *, before: datetime, limit: int = 5_000) -> None:
    """Forget answers older than `before`, at most `limit` of them. Keep at least a day's."""
    await uow.raw.execute(_PRUNE, before, limit)


def request_hash(method: str, path: str, body: bytes) -> bytes:
    """32 bytes that tell one input from another."""
    digest = hashlib.sha256(f"{method}\n{path}\n".encode())
    digest.update(body)
    return digest.digest()


def in_progress() -> Problem:
    """The answer while the first try is still being worked on."""
    return Problem(
        409, "idempotency.in_progress", "The same request is still being worked on", headers={"Retry-After": "1"}
    )


def reused() -> Problem:
    """The answer to a key that came with other input before."""
    return Problem(422, "idempotency.reused", "The Idempotency-Key was used for another request")


async def idempotency_key(
    value: Annotated[str | None, Header(alias="Idempotency-Key", max_length=MAX_KEY_CHARS)] = None,
) -> str:
    """The header's value.

    :raises Problem: 400 `idempotency.missing`.
    """
    if not value:
        raise Problem(400, "idempotency.missing", "Writes need the header Idempotency-Key")
    return value


IdempotencyKey = Annotated[str, Depends(idempotency_key)]


@dataclass(frozen=True, slots=True)
class IdempotentCall:
    """Key, caller and input of one write, ready for `once` and `keep`."""

    caller: str
    key: str
    request_hash: bytes

    async def once(self, uow: "UnitOfWork") -> Stored | None:
        """See `once`."""
        return await once(uow, caller=self.caller, key=self.key, request_hash=self.request_hash)

    async def keep(self, uow: "UnitOfWork", *, status: int, body: bytes) -> Response:
        """Store the answer and give it: `return await call.keep(work, status=201, body=model.model_dump_json().encode())`."""
        await keep(uow, caller=self.caller, key=self.key, request_hash=self.request_hash, status=status, body=body)
        return Response(body, status_code=status, media_type="application/json")


async def idempotent_call(
    request: Request, key: IdempotencyKey, identity: Annotated[Identity, Depends(current_caller)]
) -> IdempotentCall:
    """Everything idempotency needs of a request with a body in memory. An upload's hash is made by whoever reads it."""
    target = request.url.path + ("?" + request.url.query if request.url.query else "")
    return IdempotentCall(
        caller=identity.caller, key=key, request_hash=request_hash(request.method, target, await request.body())
    )


Idempotent = Annotated[IdempotentCall, Depends(idempotent_call)]
