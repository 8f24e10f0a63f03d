"""Where channels hear, and what they were told."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.order.domain.webhooks import ADDRESS_CHARS_MAX


class WebhookIn(BaseModel):
    """Where the channel hears. Without `secret` (`whsec_…`) one is made, and shown in this answer alone."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [{"url": "https://shop.example.com/v1/suppliers/01939f6c-2a07-7b3e-9c51-5d10c0a8d8c0/changes"}]
        },
    )

    url: Annotated[str, Field(min_length=1, max_length=ADDRESS_CHARS_MAX)]
    secret: Annotated[SecretStr | None, Field(min_length=30, max_length=100)] = None
    active: bool = True


class WebhookOut(BaseModel):
    """Where the channel hears. `failing_since`: nothing was taken since; `disabled_at`: given up then, until it is set anew."""

    channel_id: UUID
    url: str
    active: bool
    failing_since: datetime | None
    disabled_at: datetime | None


class NewWebhookOut(WebhookOut):
    """A webhook just set. `secret` is shown this once, where we made it: a repeated request has `null` in its place."""

    secret: str | None


class WebhookMessageOut(BaseModel):
    """One message. `last_error` is a short word: `http_500`, `ConnectError`, `address_refused`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "message_id": "6f0b5a0e-6b0a-4d35-9c6e-0d6f1c9a7e11",
                    "kind": "order.fulfilled",
                    "subject_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d8aa",
                    "content": {
                        "external_id": "XH-20261125-0001",
                        "order_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d8aa",
                        "fulfilled_at": "2026-11-25T04:30:01Z",
                    },
                    "state": "dead",
                    "attempts": 12,
                    "next_try_at": None,
                    "last_error": "http_500",
                    "created_at": "2026-11-25T04:30:01Z",
                    "ended_at": "2026-11-27T20:10:00Z",
                }
            ]
        }
    )

    message_id: UUID
    kind: str
    subject_id: UUID
    content: dict[str, Any]
    state: str
    attempts: int
    next_try_at: datetime | None
    last_error: str
    created_at: datetime
    ended_at: datetime | None
