"""E-mail through an SMTP server."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from gristmill.deliver.channel import Channel, DeliveryFailed, Message
from gristmill.deliver.reason import one_line, reason
from gristmill.deliver.smtp_url import MailRefused, MailServer, StartTls
from gristmill.domain.errors import Invalid

# 7bit: texts are encoded so that every server on the way takes them, whatever its extensions.
_POLICY = SMTP.clone(cte_type="7bit")
_AUTHENTICATION = frozenset({530, 534, 535, 538})
_MOST_TITLE = 200


class AddressNotMail(Invalid):
    """The text is not an e-mail address."""

    code = "not_an_email_address"


class Mail:
    """A mail server and the address that messages come from. May be used from several threads.

    ``url``: ``smtp://user:password@host:port`` (STARTTLS where the server offers it; ``?starttls=required`` or
    ``?starttls=never``), or ``smtps://`` for TLS from the start. Ports are 25 and 465 where none is given.
    ``sender``: an address, or ``Name <address>``. A step of the talk takes at most ``timeout_seconds``.

    Raises:
        MailRefused: a part of the URL or the sender is wrong. It does not repeat the password.

    """

    def __init__(
        self, url: str, sender: str, *, timeout_seconds: float = 20.0, tls: ssl.SSLContext | None = None
    ) -> None:
        self._server = MailServer.of(url)
        self._sender = _sender(sender)
        self._timeout_seconds = timeout_seconds
        self._tls = tls

    def to(self, address: str) -> Channel:
        """Return the channel to one address. A wrong address is told by ``send``; see ``check_address``."""
        return _MailTo(self, address)

    def send(self, message: Message, address: str) -> None:
        """Hand a message for one address to the server.

        Raises:
            DeliveryFailed: permanent when the server refuses the message or the address for good (5xx), or when the
                address is none; temporary for everything that may pass or that an administrator can set right.

        """
        try:
            recipient = check_address(address)
        except AddressNotMail as error:
            raise DeliveryFailed(error.message, permanent=True) from None
        mail = compose(message, self._sender, recipient)
        try:
            self._hand_over(mail)
        except smtplib.SMTPNotSupportedError:
            raise self._failed("it takes no addresses with letters other than ASCII", permanent=True) from None
        except smtplib.SMTPRecipientsRefused as error:
            code, answer = next(iter(error.recipients.values()))
            raise self._answered(code, answer) from None
        except smtplib.SMTPResponseException as error:
            raise self._answered(error.smtp_code, error.smtp_error) from None
        except (smtplib.SMTPException, OSError) as error:
            raise self._failed(_trouble(error), permanent=False) from None

    def _hand_over(self, mail: EmailMessage) -> None:
        client = self._connect()
        try:
            self._secure(client)
            self._log_in(client)
            client.send_message(mail)
        finally:
            # The message is taken, or it is not: how the parting goes changes neither.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                client.quit()
            client.close()

    def _connect(self) -> smtplib.SMTP:
        server, seconds = self._server, self._timeout_seconds
        # Looking up our own full name may take longer than the whole delivery.
        own = socket.gethostname()
        name = own if "." in own and own.isascii() else self._sender.domain
        if server.implicit_tls:
            return smtplib.SMTP_SSL(server.host, server.port, name, timeout=seconds, context=self._context())
        return smtplib.SMTP(server.host, server.port, name, timeout=seconds)

    def _secure(self, client: smtplib.SMTP) -> None:
        client.ehlo_or_helo_if_needed()
        server = self._server
        if server.implicit_tls or server.starttls is StartTls.NEVER:
            return
        if client.has_extn("starttls"):
            client.starttls(context=self._context())
            client.ehlo()
        elif server.starttls is StartTls.REQUIRED or server.user is not None:
            raise self._failed(
                "it offers no STARTTLS, so nothing was sent in the clear; use smtps://, or ?starttls=never",
                permanent=False,
            )

    def _log_in(self, client: smtplib.SMTP) -> None:
        server = self._server
        if server.user is None:
            return
        try:
            client.login(server.user, server.password)
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPResponseException as error:
            story = f"it refused the user and password: {error.smtp_code} {_text(error.smtp_error)}"
            raise self._failed(story, permanent=False) from None
        except smtplib.SMTPException:
            raise self._failed(
                "it offers no log-in that we know; leave user and password out", permanent=False
            ) from None

    def _context(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()

    def _answered(self, code: int, answer: bytes | str) -> DeliveryFailed:
        permanent = 500 <= code < 600 and code not in _AUTHENTICATION
        return self._failed(f"it answered {code} {_text(answer)}", permanent=permanent)

    def _failed(self, story: str, *, permanent: bool) -> DeliveryFailed:
        server = self._server
        text = reason(f"the mail server {server.host}:{server.port}: {story}", server.secrets)
        return DeliveryFailed(text, permanent=permanent)


@dataclass(frozen=True, slots=True)
class _MailTo:
    """Implements ``Channel`` with a mail server and one address."""

    mail: Mail
    address: str

    def send(self, message: Message) -> None:
        """Send the message as an e-mail."""
        self.mail.send(message, self.address)


def check_address(text: str, *, field: str = "address") -> Address:
    """Return an e-mail address, its domain in ASCII (IDNA).

    Raises:
        AddressNotMail: it is none, or more than one; it is about ``field``.

    """
    local, at, domain = text.strip().rpartition("@")
    forbidden = set('()<>[]:;,\\"@ ')
    if not (at and local and domain) or set(local + domain) & forbidden or not (local + domain).isprintable():
        raise AddressNotMail(f"{field}: an e-mail address looks like name@example.org.", field=field)
    try:
        return Address(username=local, domain=domain.encode("idna").decode("ascii"))
    except (UnicodeError, ValueError, HeaderParseError):
        raise AddressNotMail(f"{field}: the domain of this e-mail address is not one.", field=field) from None


def compose(message: Message, sender: Address, recipient: Address) -> EmailMessage:
    """Return the e-mail; the same for each attempt, so that mail servers and readers can tell a repetition."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = recipient
    mail["Subject"] = _clean(one_line(message.title))[:_MOST_TITLE]
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.event_id}@gristmill.{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Gristmill-Event-Id"] = message.event_id
    mail.set_content(_clean(message.text))
    if message.html is not None:
        mail.add_alternative(_clean(message.html), subtype="html")
    return mail


def _sender(text: str) -> Address:
    name, address = parseaddr(text)
    try:
        checked = check_address(address)
    except AddressNotMail:
        raise MailRefused("the sender of e-mails is not an address; write name@example.org or Name <...>") from None
    if not checked.username.isascii():
        raise MailRefused("the sender of e-mails has letters other than ASCII before its @; use another address")
    return Address(display_name=one_line(name), username=checked.username, domain=checked.domain)


def _clean(text: str) -> str:
    # Half a surrogate pair has no encoding.
    return text.encode("utf-8", "replace").decode("utf-8")


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


def _trouble(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "it did not answer in time"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}; see SSL_CERT_FILE"
        case smtplib.SMTPServerDisconnected():
            return "it closed the connection"
    return str(error) or type(error).__name__
