"""The sandbox for messages as its customers meet it: a real process, mail on one port, HTTP on another."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from tests.support.messages import MessagesProcess, messages_process


@pytest.fixture(scope="module")
def messages(keys_directory: Path) -> Iterator[MessagesProcess]:
    with messages_process(keys_directory) as process:
        yield process


def test_mail_is_taken_and_read_over_http(messages: MessagesProcess) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = "a@b.cn", "c@d.cn", "你好", "<1@b.cn>"
    mail.set_content("内容")
    with smtplib.SMTP("127.0.0.1", messages.smtp_port) as client:
        client.send_message(mail)
    found = httpx.get(f"{messages.url}/admin/messages", params={"to": "c@d.cn"}).json()["items"]
    assert [(each["message_id"], each["content"]["subject"], each["content"]["text"].strip()) for each in found] == [
        ("<1@b.cn>", "你好", "内容")
    ]


def test_mail_that_is_refused_is_not_taken(messages: MessagesProcess) -> None:
    httpx.post(f"{messages.url}/admin/faults", json={"faults": [{"kind": "refuse", "via": "email", "times": 1}]})
    with smtplib.SMTP("127.0.0.1", messages.smtp_port) as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail("a@b.cn", ["e@f.cn"], "x")
    assert httpx.get(f"{messages.url}/admin/messages", params={"to": "e@f.cn"}).json()["items"] == []


def test_calls_without_a_signature_or_token_are_refused(messages: MessagesProcess) -> None:
    assert httpx.post(f"{messages.url}/?PhoneNumbers=1").json()["Code"] == "MissingAuthorization"
    sent = httpx.post(f"{messages.url}/cgi-bin/message/subscribe/send?access_token=x", json={"touser": "o1"})
    assert sent.json()["errcode"] == 40001


def test_an_unknown_fault_is_told(messages: MessagesProcess) -> None:
    assert (
        httpx.post(f"{messages.url}/admin/faults", json={"faults": [{"kind": "odd", "via": "sms"}]}).status_code == 422
    )
