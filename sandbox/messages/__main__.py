"""Run the sandbox for messages."""

from sandbox.messages.app import build_app
from sandbox.messages.mail import MailSetup
from sandbox.messages.settings import Settings
from shared.http import serve
from shared.observability import configure


def main() -> None:
    """Serve until told to stop."""
    settings = Settings()
    configure("sandbox-messages", settings)
    mail = MailSetup(settings.host, settings.smtp_port)
    app = build_app(mail, sms_secret=settings.secret("sms.key"), wechat_secret=settings.secret("wechat.key"))
    serve(app, host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
