"""How messages leave a development stack: all to the sandbox, with templates as providers approve them."""

import json

OCCASIONS = ("fulfilled", "unavailable", "refunded", "expiring", "ticket_answered", "ticket_resolved")
WECHAT_FIELDS = {"character_string1": "order_no", "thing2": "goods", "amount3": "amount"}


def channels(sandbox_url: str, *, smtp_host: str, smtp_port: int) -> dict[str, str]:
    """The variables of order and membership. No page of a shop comes with the stack: links lead to the gateway."""
    return {
        "KAQUAN_SMTP_HOST": smtp_host,
        "KAQUAN_SMTP_PORT": str(smtp_port),
        "KAQUAN_SMTP_SECURITY": "none",
        "KAQUAN_SMS_URL": sandbox_url,
        "KAQUAN_SMS_ACCESS_KEY_ID": "LTAI5tSandbox",
        "KAQUAN_SMS_TEMPLATES": json.dumps({occasion: f"SMS_{occasion.upper()}" for occasion in OCCASIONS}),
        "KAQUAN_WECHAT_URL": sandbox_url,
        "KAQUAN_WECHAT_APP_ID": "wx0000000000sandbox",
        "KAQUAN_WECHAT_TEMPLATES": json.dumps(
            {occasion: {"template_id": f"sandbox-{occasion}", "fields": WECHAT_FIELDS} for occasion in OCCASIONS}
        ),
    }
