"""Standard Webhooks: the published example, and everything about a message that may not be otherwise."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.crypto import Secret
from shared.crypto.webhooks import (
    WebhookInvalidError,
    WebhookSecretError,
    check_webhook_secret,
    new_webhook_secret,
    signed_headers,
    verify_webhook,
)

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
BODY = b'{"test": 2432232314}'
MOMENT = datetime.fromtimestamp(1_614_265_330, tz=UTC)
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_the_published_example_is_signed_as_published() -> None:
    headers = signed_headers(SECRET, BODY, message_id=MESSAGE_ID, now=MOMENT)
    assert headers == {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert verify_webhook(SECRET, headers, BODY, now=MOMENT) == MESSAGE_ID


def test_one_of_several_signatures_is_enough() -> None:
    headers = signed_headers(SECRET, BODY, message_id=MESSAGE_ID, now=MOMENT)
    headers["webhook-signature"] = f"v1,AAAA v2,BBBB {headers['webhook-signature']}"
    assert verify_webhook(SECRET, headers, BODY, now=MOMENT) == MESSAGE_ID


@pytest.mark.parametrize(
    "other",
    [
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,ü"},
    ],
)
def test_nothing_of_it_may_be_otherwise(other: dict[str, str]) -> None:
    headers = signed_headers(SECRET, BODY, message_id=MESSAGE_ID, now=MOMENT) | other
    with pytest.raises(WebhookInvalidError):
        verify_webhook(SECRET, headers, BODY, now=MOMENT)


@pytest.mark.parametrize("off_s", [-301, 301])
def test_it_is_good_for_five_minutes(off_s: int) -> None:
    headers = signed_headers(SECRET, BODY, message_id=MESSAGE_ID, now=MOMENT)
    with pytest.raises(WebhookInvalidError, match="time_off"):
        verify_webhook(SECRET, headers, BODY, now=MOMENT + timedelta(seconds=off_s))


def test_another_body_or_secret_does_not_verify() -> None:
    headers = signed_headers(SECRET, BODY, message_id=MESSAGE_ID, now=MOMENT)
    for secret, body in ((SECRET, BODY + b" "), (new_webhook_secret(), BODY)):
        with pytest.raises(WebhookInvalidError, match="signature_invalid"):
            verify_webhook(secret, headers, body, now=MOMENT)


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64 at all"]
)
def test_what_is_no_secret_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(WebhookSecretError) as error:
        check_webhook_secret(Secret(text))
    assert len(text) < len("whsec_AAAA") or text not in str(error.value)
