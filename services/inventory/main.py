"""Builds the inventory service and runs it. `KAQUAN_ROLES` says which parts of it this process is."""

from collections.abc import Sequence
from datetime import timedelta

from fastapi import FastAPI

from services.inventory.api import BODY_LIMITS, PROBLEMS, HoldDesk, RevealDesk, routers
from services.inventory.clients.orders import OrdersClient
from services.inventory.clients.risk import RiskClient
from services.inventory.clients.supplier import SupplierClient
from services.inventory.consumers import handlers
from services.inventory.domain.gifting import GiftRules
from services.inventory.jobs import SupplierWorker, periodic
from services.inventory.settings import Settings
from services.inventory.usecases.importing import CardSealer
from shared.crypto import Keyring
from shared.database import Database
from shared.http import Background, IdentitySigner, ServiceClient, create_app, serve
from shared.messaging import Consumer, Relay, operations_router
from shared.observability import configure
from shared.settings import ProcessRole, read_key

SERVICE = "inventory"


def build(settings: Settings) -> FastAPI:
    """The application, with everything that its roles run beside it. Nothing connects before it starts."""
    identity_key = read_key(settings.keys_dir, "internal.key")
    keyring = Keyring.from_file(settings.keys_dir / "kek.json")
    database = Database.connect(settings.database_url, pool_size=settings.db_pool_size, application_name=SERVICE)
    signer = IdentitySigner(identity_key, SERVICE)
    order = ServiceClient(settings.order_url, signer, neighbour="order")
    risk = ServiceClient(settings.risk_url, signer, neighbour="risk")
    supplier = SupplierClient()
    sealer = CardSealer(keyring, read_key(settings.keys_dir, "blind-index.key"))
    consumer = Consumer(database, settings.kafka_bootstrap, settings.kafka_flavour, SERVICE, handlers(sealer))
    by_role: dict[ProcessRole, Sequence[Background]] = {
        ProcessRole.CONSUMER: (consumer.run,),
        ProcessRole.RELAY: (Relay(database, settings.kafka_bootstrap, SERVICE).run,),
        ProcessRole.JOBS: (
            *periodic(database, keyring, OrdersClient(order), supplier),
            SupplierWorker(database, supplier, keyring, sealer),
        ),
    }
    service_routers = routers(
        hold_desk=HoldDesk(database, keyring),
        reveal_desk=RevealDesk(
            database,
            keyring,
            RiskClient(risk, first_try_s=settings.risk_timeout_s, within_s=settings.risk_within_s),
        ),
        sealer=sealer,
        keyring=keyring,
        undo_within=timedelta(minutes=settings.undo_within_minutes),
        gift_rules=GiftRules(lifetime=timedelta(hours=settings.gift_hours), per_member_max=settings.gifts_per_day),
    )
    return create_app(
        service=SERVICE,
        title="Kaquan inventory",
        identity_key=identity_key,
        problems=PROBLEMS,
        ready=database.ping,
        background=[work for role, works in by_role.items() if role in settings.roles for work in works],
        routers=[*service_routers, operations_router(database, consumer)],
        database=database,
        on_stop=(order.close, risk.close, supplier.close, database.close),
        body_limits=BODY_LIMITS,
    )


def main() -> None:
    """Run until told to stop."""
    settings = Settings()
    configure(SERVICE, settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
