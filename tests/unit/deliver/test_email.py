"""What is special to e-mail: the URL, encryption and log-in, and how a message is written."""

from __future__ import annotations

import ssl
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from tests.conformance.sinks import PASSWORD, USER, mail_sink, trust
from tests.conformance.test_deliver import MESSAGE

from gristmill.deliver.channel import DeliveryFailed, Message
from gristmill.deliver.email import AddressNotMail, Mail, check_address
from gristmill.deliver.smtp_url import MailRefused, MailServer, StartTls

SENDER = "Gristmill <gristmill@example.org>"
ADA = "ada@example.org"


def failure(mail: Mail, address: str = ADA, message: Message = MESSAGE) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        mail.to(address).send(message)
    return caught.value


def test_a_mail_says_what_it_is() -> None:
    with mail_sink() as sink:
        mail = Mail(f"smtp://127.0.0.1:{sink.port}", SENDER)
        mail.to(ADA).send(replace(MESSAGE, html="<p>ünïcode <b>failed</b></p>" + "<i>x</i>" * 400))
        mail.to(ADA).send(MESSAGE)
    rich, plain = sink.mails
    assert rich["Message-ID"] == plain["Message-ID"] == f"<{MESSAGE.event_id}@gristmill.example.org>"
    assert (rich["From"], rich["To"]) == (SENDER, ADA)
    assert parsedate_to_datetime(rich["Date"]) == MESSAGE.at
    assert rich["Auto-Submitted"] == "auto-generated"
    assert rich["X-Gristmill-Event-Id"] == MESSAGE.event_id
    assert rich.get_content_type() == "multipart/alternative"
    text, html = rich.iter_parts()
    assert text.get_content().splitlines() == MESSAGE.text.splitlines()
    assert html.get_content().startswith("<p>ünïcode <b>failed</b></p>")
    assert plain.get_content_type() == "text/plain"


def test_nothing_on_the_wire_is_long_or_eight_bit() -> None:
    with mail_sink() as sink:
        Mail(f"smtp://127.0.0.1:{sink.port}", SENDER).to(ADA).send(replace(MESSAGE, html="é" * 5000))
    raw = sink.mails[0].as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.splitlines()) <= 998


def test_half_a_character_does_not_stop_a_mail() -> None:
    with mail_sink() as sink:
        Mail(f"smtp://127.0.0.1:{sink.port}", SENDER).to(ADA).send(
            replace(MESSAGE, title="a\ud800b", text="c\udfffd\n")
        )
    assert sink.mails[0]["Subject"] == "a b"
    assert sink.mails[0].get_content().rstrip() == "c?d"


def test_starttls_is_used_where_it_is_offered(tmp_path: Path) -> None:
    made = trust(tmp_path)
    with mail_sink(context=made.server) as sink:
        Mail(f"smtp://127.0.0.1:{sink.port}", SENDER, tls=made.client).to(ADA).send(MESSAGE)
        Mail(f"smtp://127.0.0.1:{sink.port}?starttls=never", SENDER).to(ADA).send(MESSAGE)
    assert sink.encrypted == [True, False]


def test_tls_from_the_start_with_a_log_in(tmp_path: Path) -> None:
    made = trust(tmp_path)
    with mail_sink(context=made.server, implicit=True, auth=True) as sink:
        Mail(f"smtps://{USER}:{PASSWORD}@localhost:{sink.port}", SENDER, tls=made.client).to(ADA).send(MESSAGE)
    assert sink.users == [USER]
    assert len(sink.mails) == 1


def test_a_certificate_that_is_not_trusted_is_told(tmp_path: Path) -> None:
    with mail_sink(context=trust(tmp_path).server) as sink:
        failed = failure(Mail(f"smtp://127.0.0.1:{sink.port}", SENDER, tls=ssl.create_default_context()))
    assert not failed.permanent
    assert "SSL_CERT_FILE" in str(failed)
    assert sink.mails == []


@pytest.mark.parametrize("credentials", ["", f"{USER}:{PASSWORD}@"])
def test_nothing_goes_in_the_clear_that_should_not(credentials: str) -> None:
    option = "" if credentials else "?starttls=required"
    with mail_sink() as sink:
        failed = failure(Mail(f"smtp://{credentials}127.0.0.1:{sink.port}{option}", SENDER))
    assert not failed.permanent
    assert "offers no STARTTLS" in str(failed)
    assert sink.mails == []


def test_a_wrong_password_is_temporary_and_says_so(tmp_path: Path) -> None:
    made = trust(tmp_path)
    with mail_sink(context=made.server, auth=True) as sink:
        failed = failure(Mail(f"smtp://{USER}:wrong-password@127.0.0.1:{sink.port}", SENDER, tls=made.client))
        unknown = failure(Mail(f"smtp://127.0.0.1:{sink.port}", SENDER, tls=made.client))
    assert not failed.permanent
    assert "refused the user and password" in str(failed)
    assert "wrong-password" not in str(failed)
    assert not unknown.permanent  # 530: an administrator may set a user


def test_a_server_without_log_in_is_told() -> None:
    with mail_sink() as sink:
        failed = failure(Mail(f"smtp://{USER}:{PASSWORD}@127.0.0.1:{sink.port}?starttls=never", SENDER))
    assert "offers no log-in" in str(failed)


@pytest.mark.parametrize(
    ("step", "reply", "permanent"),
    [
        ("RCPT", "550 5.1.1 no such user", True),
        ("RCPT", "450 4.2.0 greylisted", False),
        ("RCPT", "421 4.3.2 closing", False),
        ("DATA", "552 5.2.2 mailbox full", True),
        ("DATA", "452 4.3.1 no space", False),
    ],
)
def test_the_servers_word_says_whether_to_try_again(step: str, reply: str, permanent: bool) -> None:
    with mail_sink() as sink:
        sink.replies[step] = reply
        failed = failure(Mail(f"smtp://127.0.0.1:{sink.port}", SENDER))
    assert failed.permanent is permanent
    assert reply in str(failed)


def test_a_parting_that_goes_wrong_does_not_send_twice() -> None:
    with mail_sink() as sink:
        sink.breaks_off = True
        Mail(f"smtp://127.0.0.1:{sink.port}", SENDER).to(ADA).send(MESSAGE)
    assert len(sink.mails) == 1


def test_addresses_with_other_letters() -> None:
    with mail_sink(utf8=True) as modern, mail_sink(utf8=False) as old:
        Mail(f"smtp://127.0.0.1:{modern.port}", SENDER).to("jürgen@bücher.example").send(MESSAGE)
        Mail(f"smtp://127.0.0.1:{old.port}", SENDER).to("jurgen@bücher.example").send(MESSAGE)
        failed = failure(Mail(f"smtp://127.0.0.1:{old.port}", SENDER), "jürgen@bücher.example")
    assert modern.recipients == [["jürgen@xn--bcher-kva.example"]]
    assert old.recipients == [["jurgen@xn--bcher-kva.example"]]
    assert failed.permanent


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "a b@example.org",
        "ada@example.org, eve@example.org",
        "Ada <ada@example.org>",
        "ada@example.org\r\nBcc: eve@example.org",
        "ada\n@example.org",
        "a@b@example.org",
        "ada@exa..mple",
        "ada@" + "x" * 64,
    ],
)
def test_what_is_no_address_is_refused_and_never_sent_to(address: str) -> None:
    with pytest.raises(AddressNotMail) as caught:
        check_address(address, field="email")
    assert caught.value.field == "email"
    assert failure(Mail("smtp://127.0.0.1:1", SENDER), address).permanent


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://:25",
        "smtp://mail.example.org:0",
        "smtp://mail.example.org:99999",
        f"smtp://ada:{PASSWORD}/x@mail.example.org",
        f"smtp://ada:{PASSWORD}#@mail.example.org",
        f"smtp://:{PASSWORD}@mail.example.org",
        "smtp://ada@mail.example.org",
        "smtp://mail.example.org/path",
        "smtp://mail.example.org?starttls=maybe",
        "smtp://mail.example.org?tls=yes",
        "smtp://mail.example.org?starttls=never&x=1",
        "smtps://mail.example.org?starttls=never",
        "smtp://ada:p%C3%A4ss@mail.example.org",
        "smtp://ada:a%0Ab@mail.example.org",
        "smtp://[::1",
    ],
)
def test_a_wrong_url_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(MailRefused) as caught:
        Mail(url, SENDER)
    assert PASSWORD not in str(caught.value)
    assert "mail" in str(caught.value) or "smtp" in str(caught.value)


@pytest.mark.parametrize("sender", ["", "Gristmill", "a@b@c", "jürgen@example.org", "x <y>"])
def test_a_wrong_sender_is_refused(sender: str) -> None:
    with pytest.raises(MailRefused, match="sender"):
        Mail("smtp://mail.example.org", sender)


def test_a_url_is_read() -> None:
    plain, tls = MailServer.of("smtp://mail.example.org"), MailServer.of("smtps://ada:p%40ss%2F@[::1]")
    assert (plain.host, plain.port, plain.implicit_tls, plain.starttls) == (
        "mail.example.org",
        25,
        False,
        StartTls.OFFERED,
    )
    assert (tls.host, tls.port, tls.implicit_tls, tls.user, tls.password) == ("::1", 465, True, "ada", "p@ss/")
    assert MailServer.of("smtp://m:587/?starttls=required").starttls is StartTls.REQUIRED
    assert "p@ss/" not in repr(tls)
