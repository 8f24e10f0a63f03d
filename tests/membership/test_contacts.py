"""Phone numbers and e-mail addresses: one form for all ways of writing one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.membership.domain.contacts import Contact, ContactInvalidError, ContactKind


@pytest.mark.parametrize(
    "text",
    ["13800138000", "138 0013 8000", "138-0013-8000", "+8613800138000", "+86 138 0013 8000", "008613800138000",
     "\uff11\uff13\uff18\uff10\uff10\uff11\uff13\uff18\uff10\uff10\uff10", "(+86)13800138000", " 138\u20110013\u20118000 "],
)  # fmt: skip
def test_all_ways_of_writing_a_chinese_mobile_are_one(text: str) -> None:
    assert Contact.phone(text) == Contact(ContactKind.PHONE, "+8613800138000")


@pytest.mark.parametrize("text", ["+14155550123", "+44 20 7946 0958", "0085261234567"])
def test_numbers_of_other_countries_need_their_country(text: str) -> None:
    assert Contact.phone(text).value.startswith("+")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345",
        "12800138000",
        "+8612800138000",
        "+86138001380001",
        "+0123456789",
        "1380013800a",
        "+1234567890123456",
    ],
)
def test_what_is_no_phone_number_is_refused(text: str) -> None:
    with pytest.raises(ContactInvalidError):
        Contact.phone(text)


def test_an_address_is_folded_to_lower_case() -> None:
    assert Contact.email("  Li.Lei+Shop@Example.COM ") == Contact(ContactKind.EMAIL, "li.lei+shop@example.com")


@pytest.mark.parametrize(
    "text",
    ["", "li", "li@", "@example.com", "li@example", "li lei@example.com", "li@exa_mple.com", "li@-example.com",
     "a@b@example.com", "x" * 65 + "@example.com", "li@" + "a." * 130 + "com", 'li"@example.com', "li@example.com\n.evil"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ContactInvalidError):
        Contact.email(text)


def test_contacts_show_themselves_masked_only() -> None:
    phone, email = Contact.phone("13800138000"), Contact.email("lilei@example.com")
    assert phone.masked == "+86138****8000"
    assert email.masked == "l***@example.com"
    assert "13800138000" not in repr(phone)
    assert "lilei" not in repr(email)


@given(st.text(max_size=40))
def test_any_text_is_a_contact_or_is_refused(text: str) -> None:
    for make in (Contact.phone, Contact.email):
        try:
            contact = make(text)
        except ContactInvalidError:
            continue
        assert make(contact.value) == contact
