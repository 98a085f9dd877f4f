"""The certificate of an authority that a connection trusts."""

from __future__ import annotations

import ssl

from gristmill.data.properties import invalid


def trusting(certificate: str | None) -> ssl.SSLContext:
    """Return what trusts servers by this authority, a PEM; without one by those of the machine.

    Raises:
        DataFailed: ``data_invalid``: it is no certificate.

    """
    try:
        return ssl.create_default_context(cadata=certificate)
    except (ssl.SSLError, ValueError):
        raise invalid("ssl_certificate", "it is no certificate in PEM") from None
