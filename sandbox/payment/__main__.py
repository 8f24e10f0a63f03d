"""Run the sandbox provider."""

from sandbox.payment.app import SandboxApp
from sandbox.payment.provider import Provider
from sandbox.payment.settings import Settings
from sandbox.payment.store import Store
from shared.http import serve
from shared.observability import configure
from shared.settings import read_key


def build(settings: Settings) -> SandboxApp:
    """The provider on its file."""
    store = Store(settings.state_file)
    key = read_key(settings.keys_dir, "payment-sandbox.key")
    provider = Provider(store, key=key, merchant_id=settings.sandbox_merchant_id)
    return SandboxApp(provider, on_stop=store.close)


def main() -> None:
    """Serve until told to stop."""
    settings = Settings()
    configure("sandbox-payment", settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
