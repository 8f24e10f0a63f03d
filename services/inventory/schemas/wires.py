"""How a supplier is spoken to, as data: kept with the supplier, and checked when it is saved."""

import re
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, TypeAdapter, model_validator

from services.inventory.schemas.base import Incoming

PLACEHOLDERS = frozenset(
    {
        "out_order_no",
        "supplier_sku",
        "quantity",
        "account",
        "merchant_id",
        "timestamp",
        "nonce",
        "cost_minor_max",
        "cost_major_max",
    }
)
"""What a field of a request may say of the order. Of a value in braces nothing else is meant; other text goes as it is."""

_IN_BRACES = re.compile(r"^\{(.*)\}$")

FieldName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]
AnswerPath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}(\.[A-Za-z0-9_]{1,64}){0,5}$")]
Words = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(max_length=50)]


class Recipe(StrEnum):
    """How a request is signed with the supplier's secret.

    `lines_hmac_sha256`: headers, over method, path, timestamp, nonce and the body's digest; the answer is signed too.
    The others sign the body's fields that are not empty, by name: `sorted_md5` is the MD5 of `a=1&b=2&key=SECRET`,
    `sorted_hmac_sha256` the HMAC of `a=1&b=2`, `concat_md5` the MD5 of `SECRETa1b2SECRET`. Their answers are not signed:
    use them over HTTPS only.
    """

    LINES_HMAC_SHA256 = "lines_hmac_sha256"
    SORTED_MD5 = "sorted_md5"
    SORTED_HMAC_SHA256 = "sorted_hmac_sha256"
    CONCAT_MD5 = "concat_md5"


class SignatureTemplate(Incoming):
    """The recipe, and for those that sign fields: the field that carries the signature."""

    recipe: Recipe
    field: FieldName = "sign"
    upper: bool = False


class CallTemplate(Incoming):
    """A request: where to, and its fields by name. A value in braces is taken from the order."""

    path: Annotated[str, Field(pattern=r"^/[^\s?#]*$", max_length=200)]
    fields: Annotated[dict[FieldName, Annotated[str, Field(max_length=200)]], Field(min_length=1, max_length=30)]

    @model_validator(mode="after")
    def _known_placeholders(self) -> Self:
        for name, value in self.fields.items():
            match = _IN_BRACES.match(value)
            if match and match[1] not in PLACEHOLDERS:
                raise ValueError(f"{name}: there is no {value}; known are {', '.join(sorted(PLACEHOLDERS))}")
        if "{out_order_no}" not in self.fields.values():
            raise ValueError("no field carries {out_order_no}: the supplier could not tell orders apart")
        return self


class AnswerTemplate(Incoming):
    """Where an answer says what. What is in none of the lists was not understood, and the supplier is asked.

    `code` says whether the call was taken, by the lists `ok`, `refused` (not taken on), `not_found`, `duplicate` (known
    already); `status` what became of the order. `cards` is a list of objects.
    """

    code: AnswerPath
    ok: Annotated[Words, Field(min_length=1)]
    refused: Words = ()
    not_found: Words = ()
    duplicate: Words = ()
    status: AnswerPath
    processing: Words = ()
    succeeded: Annotated[Words, Field(min_length=1)]
    failed: Words = ()
    out_order_no: AnswerPath | None = None
    order_no: AnswerPath | None = None
    cost: AnswerPath | None = None
    cost_unit: Literal["minor", "major"] = "minor"
    cards: AnswerPath | None = None
    card_code: FieldName = "code"
    card_password: FieldName | None = None

    @model_validator(mode="after")
    def _each_word_means_one_thing(self) -> Self:
        for lists in (
            (self.ok, self.refused, self.not_found, self.duplicate),
            (self.processing, self.succeeded, self.failed),
        ):
            words = [word for words in lists for word in words]
            twice = sorted({word for word in words if words.count(word) > 1})
            if twice:
                raise ValueError(f"{', '.join(map(repr, twice))} would mean two things")
        return self


class TemplateWire(Incoming):
    """A supplier that is described: paths, fields, signature and what its answers mean."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "template",
                "encoding": "form",
                "place": {
                    "path": "/order/submit",
                    "fields": {
                        "userid": "{merchant_id}",
                        "orderid": "{out_order_no}",
                        "goods": "{supplier_sku}",
                        "num": "{quantity}",
                        "target": "{account}",
                        "safe_cost": "{cost_major_max}",
                    },
                },
                "query": {
                    "path": "/order/query",
                    "fields": {"userid": "{merchant_id}", "orderid": "{out_order_no}"},
                },
                "signature": {"recipe": "sorted_md5", "field": "sign", "upper": True},
                "answer": {
                    "code": "code",
                    "ok": ["100"],
                    "refused": ["301", "302"],
                    "not_found": ["404"],
                    "duplicate": ["305"],
                    "status": "data.state",
                    "processing": ["100", "101"],
                    "succeeded": ["200"],
                    "failed": ["500"],
                    "order_no": "data.trade_no",
                    "cost": "data.money",
                    "cost_unit": "major",
                },
            }
        }
    )

    kind: Literal["template"] = "template"
    encoding: Literal["json", "form"] = "json"
    place: CallTemplate
    query: CallTemplate
    signature: SignatureTemplate
    answer: AnswerTemplate

    @model_validator(mode="after")
    def _says_what_is_bought(self) -> Self:
        if "{supplier_sku}" not in self.place.fields.values():
            raise ValueError("place: no field carries {supplier_sku}: the supplier would not know what to deliver")
        return self


class FuluWire(Incoming):
    """A supplier that speaks the published interface of Fulu's open platform; `merchant_id` is the app key.

    Which of its codes mean what can be told here: one that is in no list was not understood, and it is asked.
    """

    kind: Literal["fulu"]
    path: Annotated[str, Field(pattern=r"^/[^\s?#]*$", max_length=200)] = "/api/getway"
    not_found_codes: tuple[int, ...] = (4009,)
    duplicate_codes: tuple[int, ...] = (4006,)
    refused_codes: tuple[int, ...] = (4001, 4002, 4003, 4004)


class KaquanWire(Incoming):
    """Another Kaquan, whose reseller we are. `merchant_id` is the id of our key there, `secret` the key's secret (base64).

    Behind a blank in `secret` may stand what its webhooks are signed with (`whsec_…`): have it send them to
    `/v1/suppliers/{supplier_id}/changes`, and orders, goods and stock are looked at as soon as they change.
    """

    model_config = ConfigDict(json_schema_extra={"example": {"kind": "kaquan"}})

    kind: Literal["kaquan"]


AnyWire = TemplateWire | FuluWire | KaquanWire

WireIn = Annotated[AnyWire, Field(discriminator="kind")]

_WIRE: TypeAdapter[AnyWire] = TypeAdapter(WireIn)


def read_wire(stored: Any) -> AnyWire:
    """The description as it was saved.

    :raises pydantic.ValidationError: it is none of this release.
    """
    return _WIRE.validate_python(stored)
