"""Phone numbers and e-mail addresses: one normal form for all ways of writing one, and a masked form to show."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

MAX_EMAIL_CHARS = 254
MAX_LOCAL_CHARS = 64
CHINA = "+86"

_SEPARATORS = re.compile(r"[\s().\-\u2010-\u2015]+")
_CHINESE_MOBILE = re.compile(r"1[3-9]\d{9}")
_CHINESE_MOBILE_ABROAD = re.compile(r"\+861[3-9]\d{9}")
_OPENID = re.compile(r"[A-Za-z0-9_-]{10,64}")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_EMAIL = re.compile(
    r"[^@\s\x00-\x1f\"(),:;<>\[\]\\]+@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
)


class ContactInvalidError(Exception):
    """It is no phone number, or no e-mail address."""


class ContactKind(StrEnum):
    PHONE = "phone"
    EMAIL = "email"
    WECHAT = "wechat"
    """The openid by which the mini-program knows somebody."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A phone number in E.164, or an e-mail address in lower case. Its `repr` shows the masked form only."""

    kind: ContactKind
    value: str

    @classmethod
    def phone(cls, text: str) -> Self:
        """A phone number; without a country it is a Chinese mobile.

        :raises ContactInvalidError: it is none.
        """
        compact = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
        if compact.startswith("00"):
            compact = "+" + compact[2:]
        if _CHINESE_MOBILE.fullmatch(compact):
            compact = CHINA + compact
        wanted = _CHINESE_MOBILE_ABROAD if compact.startswith(CHINA) else _E164
        if not compact.isascii() or not wanted.fullmatch(compact):
            raise ContactInvalidError("not a phone number: write it as +8613800138000 or 13800138000")
        return cls(ContactKind.PHONE, compact)

    @classmethod
    def email(cls, text: str) -> Self:
        """An e-mail address. Case is folded in both parts: no provider that matters tells `A@` from `a@`.

        :raises ContactInvalidError: it is none.
        """
        compact = unicodedata.normalize("NFKC", text).strip().lower()
        local = compact.partition("@")[0]
        if len(compact) > MAX_EMAIL_CHARS or len(local) > MAX_LOCAL_CHARS or not _EMAIL.fullmatch(compact):
            raise ContactInvalidError("not an e-mail address")
        return cls(ContactKind.EMAIL, compact)

    @classmethod
    def wechat(cls, text: str) -> Self:
        """An openid, as WeChat gave it.

        :raises ContactInvalidError: it is none.
        """
        if not _OPENID.fullmatch(text):
            raise ContactInvalidError("not an openid")
        return cls(ContactKind.WECHAT, text)

    @property
    def index_text(self) -> str:
        """What the blind index is made of; phone and e-mail never collide."""
        return f"{self.kind}|{self.value}"

    @property
    def masked(self) -> str:
        """Enough for the owner to recognise it: `+86138****8000`, `l***@example.com`."""
        if self.kind is ContactKind.PHONE:
            return f"{self.value[:-8]}****{self.value[-4:]}"
        if self.kind is ContactKind.WECHAT:
            return f"{self.value[:1]}***"
        local, _, domain = self.value.partition("@")
        return f"{local[:1]}***@{domain}"

    def __repr__(self) -> str:
        return f"Contact({self.kind}, {self.masked})"
