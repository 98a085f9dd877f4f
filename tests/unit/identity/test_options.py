from __future__ import annotations

import inspect

from gristmill.cli.options import ENVIRONMENT_ONLY, takes_settings
from gristmill.settings import Settings


def test_every_setting_but_secrets_is_an_option_and_what_is_not_given_is_not_set() -> None:
    read: list[Settings] = []

    def command(settings: Settings) -> None:
        """Do it."""
        read.append(settings)

    made = takes_settings(command)
    made(port="1", tls=False, host=None)

    assert set(inspect.signature(made).parameters) == set(Settings.model_fields) - ENVIRONMENT_ONLY
    assert (read[0].port, read[0].tls, "host" in read[0].model_fields_set) == (1, False, False)
