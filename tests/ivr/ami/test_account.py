"""Where the manager is: the environment, a file with the secret, or the private switch."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.command_line import Refusal
from common.places import Places
from ivr.ami import account
from ivr.ami.account import Ami, save_ami


def test_without_a_word_it_is_the_private_switch(tmp_path: Path) -> None:
    places = Places(var=str(tmp_path))
    with pytest.raises(Refusal, match="prepare the switch first"):
        account(places, {})
    Path(places.switch()).mkdir(parents=True)
    save_ami(places.switch(), 10001)
    found = account(places, {})
    assert (found.host, found.port, len(found.secret) > 20) == ("127.0.0.1", 10001, True)


def test_a_site_names_address_and_secret(tmp_path: Path) -> None:
    places = Places(var=str(tmp_path))
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    environment = {"NUL_AMI": "nul@127.0.0.1", "NUL_AMI_SECRET_FILE": str(secret)}
    assert account(places, environment) == Ami("127.0.0.1", 5038, "nul", "s3cret")
    environment = {"NUL_AMI": "board@[::1]:5099", "NUL_AMI_SECRET": "other"}
    assert account(places, environment) == Ami("::1", 5099, "board", "other")


@pytest.mark.parametrize("address", ["nul", "nul@host:99999", "nul@ho st", "nul:secret@host", "@host"])
def test_another_address_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(Refusal, match="NUL_AMI"):
        account(Places(var=str(tmp_path)), {"NUL_AMI": address, "NUL_AMI_SECRET": "x"})


def test_a_secret_that_is_missing_empty_or_everybodys_is_refused(tmp_path: Path) -> None:
    places, file = Places(var=str(tmp_path)), tmp_path / "secret"
    environment = {"NUL_AMI": "nul@127.0.0.1", "NUL_AMI_SECRET_FILE": str(file)}
    with pytest.raises(Refusal, match="no secret"):
        account(places, {"NUL_AMI": "nul@127.0.0.1"})
    with pytest.raises(Refusal, match="No such file"):
        account(places, environment)
    file.write_text("\n")
    file.chmod(0o600)
    with pytest.raises(Refusal, match="empty"):
        account(places, environment)
    file.chmod(0o644)
    with pytest.raises(Refusal, match="everybody"):
        account(places, environment)
