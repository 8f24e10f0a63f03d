"""What a product page says, when it is shown, and what may not be listed at all."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

WORD_LENGTH_MAX = 50
"""Of a forbidden word that operators add."""

FORBIDDEN: Final[Mapping[str, tuple[str, ...]]] = {
    "gambling": (
        *("赌博", "博彩", "赌场", "网赌", "六合彩", "时时彩", "彩票", "百家乐", "老虎机", "赌球", "外围投注"),
        *("casino", "gambling", "baccarat", "sportsbook", "lottery"),
    ),
    "pornography": ("色情", "裸聊", "成人影片", "成人视频", "porn", "pornography", "adult video"),
    "drugs": ("毒品", "冰毒", "海洛因", "cocaine", "heroin", "marijuana"),
    "weapons": ("枪支", "管制刀具", "firearm", "firearms"),
    "fraud": ("洗钱", "刷单", "跑分", "实名账号", "银行卡四件套", "money laundering", "stolen card"),
    "tobacco": ("香烟", "电子烟", "e-cigarette"),
}
"""What no shop on this platform lists, by kind. Operators add words of their own; nobody takes one of these away."""

_NOT_LETTERS = re.compile(r"[\W_]+")
_LATIN = re.compile(r"[a-z0-9 -]+")


class ListingForbiddenError(Exception):
    """Goods of that kind are not sold here."""

    def __init__(self, *, word: str, kind: str) -> None:
        super().__init__(f"{word!r} is of a kind that cannot be listed ({kind})")
        self.extra = {"word": word, "kind": kind}


class CategoryUnknownError(Exception):
    """There is no such category."""


class CategoryRefusedError(Exception):
    """The list of categories would no longer hold together."""


class ForbiddenWordError(Exception):
    """A word that cannot be looked for, or that nobody added."""


class ShelfTimesRefusedError(Exception):
    """The product would leave the shelf before it comes there."""


@dataclass(frozen=True, slots=True)
class Category:
    """A group of products, within another one or at the top. Products name it by its code."""

    code: str
    name: str
    parent_code: str | None
    position: int


@dataclass(frozen=True, slots=True)
class ShelfTimes:
    """From when and until when a product is sold; None: without such a limit."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def __post_init__(self) -> None:
        """:raises ShelfTimesRefusedError: the end comes before the start."""
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ShelfTimesRefusedError("on_shelf_until must come after on_shelf_from")

    def include(self, moment: datetime) -> bool:
        """Whether the product is sold then."""
        return (self.starts_at is None or self.starts_at <= moment) and (self.ends_at is None or moment < self.ends_at)


def check_shelf_times(before: ShelfTimes, changes: Mapping[str, object]) -> None:
    """Whether times stay in order when these fields change.

    :raises ShelfTimesRefusedError: they would not.
    """
    starts_at = changes.get("on_shelf_from", before.starts_at)
    ends_at = changes.get("on_shelf_until", before.ends_at)
    ShelfTimes(
        starts_at if isinstance(starts_at, datetime) else None, ends_at if isinstance(ends_at, datetime) else None
    )


def check_listing(texts: Iterable[str], *, added: Sequence[str] = ()) -> None:
    """Nothing that is said of the goods names a forbidden kind. `added` are the operators' own words.

    :raises ListingForbiddenError: a text does.
    """
    found = find_forbidden(texts, added=added)
    if found is not None:
        raise ListingForbiddenError(word=found[0], kind=found[1])


def find_forbidden(texts: Iterable[str], *, added: Sequence[str] = ()) -> tuple[str, str] | None:
    """The first forbidden word in the texts and its kind."""
    said = [_Said.of(text) for text in texts]
    for kind, words in (*FORBIDDEN.items(), ("added", added)):
        for word in words:
            if any(text.has(word) for text in said):
                return word, kind
    return None


@dataclass(frozen=True, slots=True)
class _Said:
    """A text made comparable: full-width and other forms folded, once with single blanks and once without any."""

    spaced: str
    tight: str

    @classmethod
    def of(cls, text: str) -> "_Said":
        folded = _fold(text)
        return cls(f" {_NOT_LETTERS.sub(' ', folded).strip()} ", _NOT_LETTERS.sub("", folded))

    def has(self, word: str) -> bool:
        """Latin words are looked for as words, Chinese ones anywhere, however they are pulled apart."""
        folded = _fold(word)
        if _LATIN.fullmatch(folded):
            latin = _NOT_LETTERS.sub(" ", folded).strip()
            return re.search(rf"(?<![a-z0-9]){re.escape(latin)}(?![a-z0-9])", self.spaced) is not None
        return _NOT_LETTERS.sub("", folded) in self.tight


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def read_word(text: str) -> str:
    """A forbidden word as it is kept.

    :raises ForbiddenWordError: nothing of it can be looked for.
    """
    word = _fold(text).strip()
    if not _NOT_LETTERS.sub("", word):
        raise ForbiddenWordError("a forbidden word has letters or digits")
    return word
