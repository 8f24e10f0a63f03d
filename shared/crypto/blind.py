"""Find equal codes without reading them: an HMAC over the code in one normal form."""

import hmac
import unicodedata


def normalise_code(text: str) -> str:
    """One form for all ways of writing a code: NFKC, upper case, without spaces, dashes and underscores.

    :raises ValueError: nothing is left.
    """
    folded = unicodedata.normalize("NFKC", text).upper()
    if folded.isascii():  # nearly every code is, and an import normalises very many
        kept = folded.translate(_ASCII_SEPARATORS)
    else:
        kept = "".join(sign for sign in folded if not _separates(sign))
    if not kept:
        raise ValueError("an empty code")
    return kept


def blind_index(key: bytes, normalised: str) -> bytes:
    """32 bytes that are equal for equal codes and tell nothing to whom the key is unknown.

    Whoever holds the key can try all short codes: it stays in the service that owns the cards.
    """
    return hmac.digest(key, normalised.encode(), "sha256")


class BlindIndex:
    """The same for many codes under one key, which is set up once: an import asks for a hundred thousand."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")

    def of(self, normalised: str) -> bytes:
        """What `blind_index` answers for this key."""
        keyed = self._keyed.copy()
        keyed.update(normalised.encode())
        return keyed.digest()


def _separates(sign: str) -> bool:
    return sign == "_" or unicodedata.category(sign) in {"Pd", "Zs", "Cc", "Cf"}


_ASCII_SEPARATORS = dict.fromkeys(code for code in range(128) if _separates(chr(code)))
