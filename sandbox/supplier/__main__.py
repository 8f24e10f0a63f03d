"""Run the sandbox supplier."""

from sandbox.supplier.app import build_app
from sandbox.supplier.settings import Settings
from sandbox.supplier.store import Store
from sandbox.supplier.supplier import Supplier
from shared.http import serve
from shared.observability import configure
from shared.settings import read_key


def main() -> None:
    """Serve until told to stop."""
    settings = Settings()
    configure("sandbox-supplier", settings)
    secret = read_key(settings.keys_dir, "supplier-sandbox.key").hex()
    supplier = Supplier(Store(settings.state_file), processing_s=settings.sandbox_supplier_processing_s)
    serve(build_app(supplier, secret=secret), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
