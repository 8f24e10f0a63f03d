"""Each channel speaks its provider's wire, and the sandbox holds it to that."""

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.stack.ports import find_free_ports
from sandbox.messages.faults import Faults
from sandbox.messages.mail import MailSetup, open_mail_server
from sandbox.messages.taken import Taken
from services.order.clients.couriers import (
    AddressRefusedError,
    ChannelUnavailableError,
    Mail,
    MailServer,
    Outgoing,
    Security,
    SmsAccount,
)
from services.order.clients.couriers.aliyun_sms import Call, sign_headers
from services.order.domain.messages import Letter, Notice, Occasion
from services.order.domain.wording import page, text_of
from shared.clock import new_id, utc_now
from shared.crypto import Secret
from tests.order.mailroom import Mailroom

PHONE = "+8613800138000"
OPENID = "o" + "a" * 27


def outgoing(
    address: str, *, goods: tuple[str, ...] = ("月卡",), link: str = "https://shop.example/o#KO1.x"
) -> Outgoing:
    order_id = new_id()
    notice = Notice(order_id, None, Occasion.FULFILLED, order_id, goods)
    return Outgoing(Letter(new_id(), "20261125K7W2M9QX4TBR", notice), address, link)


def test_the_signature_is_that_of_the_published_example() -> None:
    account = SmsAccount("YourAccessKeyId", Secret("YourAccessKeySecret"), "", {})
    query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    headers = sign_headers(
        account,
        Call("ecs.cn-shanghai.aliyuncs.com", "RunInstances", "2014-05-26", query),
        nonce="3156853299f313e23d1673dc12e1703d",
        now=datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
    )
    assert headers["Authorization"].endswith(
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


async def test_a_text_message_is_a_signed_call_with_a_template(mailroom: Mailroom) -> None:
    sent = outgoing(PHONE)
    await mailroom.sms().send(sent)
    (taken,) = await mailroom.taken("sms")
    assert (taken["to"], taken["message_id"]) == (PHONE, sent.letter.message_id.hex)
    assert taken["content"] == {
        "template": "SMS_FULFILLED", "sign": "卡券", "order_no": sent.letter.order_no, "link": sent.link,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "failure", "lasting"),
    [
        ("error", "answer_unreadable", False),
        ("garbage", "answer_unreadable", False),
        ("limit", "isv.BUSINESS_LIMIT_CONTROL", False),
        ("refuse", "isv.MOBILE_NUMBER_ILLEGAL", True),
    ],
)
async def test_what_the_text_message_provider_says_is_understood(
    mailroom: Mailroom, kind: str, failure: str, *, lasting: bool
) -> None:
    await mailroom.faults({"kind": kind, "via": "sms"})
    with pytest.raises(AddressRefusedError if lasting else ChannelUnavailableError) as raised:
        await mailroom.sms().send(outgoing(PHONE))
    assert str(raised.value) == failure
    assert await mailroom.taken() == []


async def test_a_wrong_secret_may_be_mended(mailroom: Mailroom) -> None:
    with pytest.raises(ChannelUnavailableError, match="SignatureDoesNotMatch"):
        await mailroom.sms(secret="another").send(outgoing(PHONE))
    with pytest.raises(ChannelUnavailableError, match="token_refused"):
        await mailroom.mini_program(secret="another").send(outgoing(OPENID))


async def test_a_mini_program_message_fills_a_template_within_its_limits(mailroom: Mailroom) -> None:
    sent = outgoing(OPENID, goods=("一张名字很长很长很长很长很长很长很长很长的月卡",))
    await mailroom.mini_program().send(sent)
    (taken,) = await mailroom.taken("wechat")
    assert taken["to"] == OPENID
    assert taken["content"]["character_string1"] == sent.letter.order_no
    assert (len(taken["content"]["thing2"]), taken["content"]["thing2"][-1]) == (20, "…")


async def test_a_token_that_went_stale_is_renewed_once(mailroom: Mailroom) -> None:
    program = mailroom.mini_program()
    await program.send(outgoing(OPENID))
    await mailroom.faults({"kind": "stale", "via": "wechat", "times": 1})
    await program.send(outgoing(OPENID))
    assert len(await mailroom.taken("wechat")) == 2
    await mailroom.faults({"kind": "stale", "via": "wechat"})
    with pytest.raises(ChannelUnavailableError, match="wechat_40001"):
        await program.send(outgoing(OPENID))


@pytest.mark.parametrize(
    ("kind", "address", "failure", "lasting"),
    [
        ("limit", OPENID, "wechat_45009", False),
        ("error", OPENID, "unreachable", False),
        ("garbage", OPENID, "answer_unreadable", False),
        ("refuse", OPENID, "wechat_43101", True),
        ("slow", "nobody", "wechat_40003", True),
    ],
)
async def test_what_wechat_says_is_understood(
    mailroom: Mailroom, kind: str, address: str, failure: str, *, lasting: bool
) -> None:
    await mailroom.faults({"kind": kind, "via": "wechat", "delay_s": 0.0})
    with pytest.raises(AddressRefusedError if lasting else ChannelUnavailableError, match=failure):
        await mailroom.mini_program().send(outgoing(address))


async def test_a_mail_has_both_forms_and_one_id(mailroom: Mailroom) -> None:
    sent = outgoing("li@example.org")
    for _ in range(2):
        await mailroom.mail().send(sent)
    first, second = await mailroom.taken("email")
    assert first == second
    assert first["message_id"] == f"<{sent.letter.message_id.hex}.mail@shop.example>"
    content = first["content"]
    assert content["subject"] == "您的订单已发货 / Your order is ready"
    assert sent.link in content["text"]
    assert f'href="{sent.link}"' in content["html"]


@pytest.mark.parametrize(
    "address",
    [
        "a@b.cn\r\nBcc: c@d.cn",
        "a@b.cn\nX: y",
        "a@b.cn, c@d.cn",
        "a@b.cn>,<c@d.cn",
        "",
        "@",
        "a b@c.cn",
        "not an address",
    ],
)
async def test_an_address_that_is_more_than_one_goes_nowhere(mailroom: Mailroom, address: str) -> None:
    with pytest.raises(AddressRefusedError):
        await mailroom.mail().send(outgoing(address))
    assert await mailroom.taken() == []


def test_names_of_goods_stay_words() -> None:
    letter = outgoing("a@b.cn", goods=('<script>alert("1")</script>\r\nBcc: x@y.cn',)).letter
    written = page(text_of(letter), link='https://shop.example/o#"><script>')
    assert "<script>" not in written
    assert "Bcc" not in text_of(letter).title


async def test_a_mail_server_that_does_not_answer_is_not_waited_for(mailroom: Mailroom) -> None:
    await mailroom.faults({"kind": "lost", "via": "email"})
    with pytest.raises(ChannelUnavailableError, match="timeout"):
        await mailroom.mail(timeout_s=0.5).send(outgoing("li@example.org"))
    with pytest.raises(ChannelUnavailableError, match="unreachable"):
        await mailroom.mail(port=find_free_ports(1)[0]).send(outgoing("li@example.org"))


@contextlib.asynccontextmanager
async def tls_server(tmp_path: Path) -> AsyncIterator[tuple[MailSetup, Taken]]:
    """A mail server that wants STARTTLS and a password."""
    certificate, key = tmp_path / "mail.pem", tmp_path / "mail-key.pem"
    make_certificate(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    setup, taken = MailSetup("127.0.0.1", find_free_ports(1)[0], context, "shop", "a password"), Taken()
    server = await open_mail_server(setup, taken, Faults())
    try:
        yield setup, taken
    finally:
        server.close()
        await asyncio.sleep(0)


async def test_mail_goes_by_starttls_with_a_password(tmp_path: Path) -> None:
    async with tls_server(tmp_path) as (setup, taken):
        server = MailServer(
            "127.0.0.1", setup.port, Security.STARTTLS, "shop", Secret("a password"), str(tmp_path / "mail.pem"), 5.0
        )
        await Mail(server, sender="no-reply@shop.example", sender_name="卡券").send(outgoing("li@example.org"))
        assert [message.to for message in taken.find()] == ["li@example.org"]


@pytest.mark.parametrize("wrong", ["password", "authority", "no tls"])
async def test_a_connection_that_is_not_safe_carries_no_mail(tmp_path: Path, wrong: str) -> None:
    async with tls_server(tmp_path) as (setup, taken):
        server = MailServer(
            "127.0.0.1",
            setup.port,
            Security.NONE if wrong == "no tls" else Security.STARTTLS,
            None if wrong == "no tls" else "shop",
            Secret("another" if wrong == "password" else "a password"),
            None if wrong == "authority" else str(tmp_path / "mail.pem"),
            5.0,
        )
        with pytest.raises(ChannelUnavailableError):
            await Mail(server, sender="no-reply@shop.example", sender_name="卡券").send(outgoing("li@example.org"))
        assert taken.count == 0


def make_certificate(certificate: Path, key: Path) -> None:
    """A certificate for 127.0.0.1 that signs itself."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() - timedelta(hours=1))
        .not_valid_after(utc_now() + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
