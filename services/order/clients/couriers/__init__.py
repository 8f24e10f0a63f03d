"""Ways by which a message leaves the house. One more is a module that speaks its provider's wire, and a line in main."""

from services.order.clients.couriers.aliyun_sms import Account as SmsAccount
from services.order.clients.couriers.aliyun_sms import AliyunSms
from services.order.clients.couriers.port import (
    AddressRefusedError,
    Channel,
    ChannelUnavailableError,
    Outgoing,
)
from services.order.clients.couriers.smtp import Mail, MailServer, Security
from services.order.clients.couriers.wechat import Account as WechatAccount
from services.order.clients.couriers.wechat import MiniProgram, WechatTemplate

__all__ = [
    "AddressRefusedError",
    "AliyunSms",
    "Channel",
    "ChannelUnavailableError",
    "Mail",
    "MailServer",
    "MiniProgram",
    "Outgoing",
    "Security",
    "SmsAccount",
    "WechatAccount",
    "WechatTemplate",
]
