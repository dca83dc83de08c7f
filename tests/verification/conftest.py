"""What the tests of verification share: a throw-away authority, and FLORA's call from its rule file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keyleak.rulebook.loader import load_rulebook
from verification.server import Authority

if TYPE_CHECKING:
    from keyleak.rulebook.model import Rulebook, VerifyCall


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return load_rulebook()


@pytest.fixture(scope="session")
def flora(rulebook: Rulebook) -> VerifyCall:
    issuer = rulebook.issuer("flora")
    assert issuer is not None
    assert issuer.verify is not None
    return issuer.verify
