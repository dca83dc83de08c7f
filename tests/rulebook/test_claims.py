"""What rule files claim against each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyleak.errors import RuleError
from keyleak.resources import data_folder
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.model import Issuer
from keyleak.rulebook.provenance import Provenance, RuleFolder
from rulebook.test_issuer_file import RULE_FILE

OWN = RULE_FILE[: RULE_FILE.index("verify:")] + "verify: null\nrunbook: null\nsamples: []\n"


def claiming(pattern: str, example: str) -> str:
    return (
        OWN.replace("[acme_live_, acme_test_]", "[sk_live_]")
        .replace("'[A-Za-z0-9]{32}'", f"'{pattern}'")
        .replace("strength: strong", "strength: decisive")
        .replace("acme_live_${base62:32}", example)
    )


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        ("51[A-Za-z0-9]{97}", "sk_live_51${base62:97}"),
        ("[A-Za-z0-9]{99}", "sk_live_${base62:99}"),
        ("5[0-9][A-Za-z0-9]{97}", "sk_live_52${base62:97}"),
        ("51[A-Za-z0-9]{97}|q[a-z]{20}", "sk_live_q${hex:20}"),
    ],
)
def test_no_two_rules_claim_one_decisive_shape(tmp_path: Path, pattern: str, example: str) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(claiming(pattern, example))
    with pytest.raises(
        RuleError, match=r"claims the decisive shape of stripe-secret-key \(rules/stripe"
    ) as it:
        load_rulebook([RuleFolder(str(tmp_path), Provenance.USER)])
    assert (it.value.file, it.value.line) == (str(file), 6)


def test_a_decisive_shape_of_ones_own_is_no_claim(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(claiming("acme[A-Za-z0-9]{40}", "sk_live_acme${base62:40}"))
    assert load_rulebook([str(tmp_path)]).issuer("acme") is not None


def test_every_issuer_says_who_chose_it(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(OWN)

    def provenances(*folders: RuleFolder, from_yaml: bool) -> set[tuple[str, Provenance]]:
        issuers = load_rulebook(folders, from_yaml=from_yaml).issuers
        assert all(key.provenance is each.provenance for each in issuers for key in each.keys)
        return {(each.issuer, each.provenance) for each in issuers}

    built_in = {(path.stem, Provenance.BUILT_IN) for path in Path(data_folder("rules")).glob("*.yaml")}
    # The second time what was kept is read: it knows of the same text by whom it was chosen.
    for provenance in (Provenance.USER, Provenance.REPOSITORY, Provenance.USER):
        for from_yaml in (True, False, False):
            folder = RuleFolder(str(tmp_path), provenance)
            assert provenances(folder, from_yaml=from_yaml) == built_in | {("acme", provenance)}


def test_a_folder_that_the_user_names_is_the_users_though_a_repository_names_it_too(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(RULE_FILE)
    folders = [RuleFolder(str(tmp_path / "." / ""), each) for each in reversed(Provenance)]
    acme = load_rulebook(folders[:2]).issuer("acme")
    assert acme is not None
    assert acme.provenance is Provenance.USER


def test_a_record_that_does_not_say_who_chose_it_is_trusted_with_nothing(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(RULE_FILE)
    acme = load_rulebook([str(tmp_path)]).issuer("acme")
    assert acme is not None
    assert acme.trusted_verify is not None
    names = [name for name in Issuer.__slots__ if name != "provenance"]
    copy = Issuer(**{name: getattr(acme, name) for name in names})
    assert (copy.verify, copy.trusted_verify) == (acme.verify, None)


def test_the_digest_of_the_rules_says_whether_a_repository_brought_them(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(OWN)
    of_user, of_repository = (
        load_rulebook([RuleFolder(str(tmp_path), each)]).sha256
        for each in (Provenance.USER, Provenance.REPOSITORY)
    )
    assert of_user == load_rulebook([str(tmp_path)]).sha256 != of_repository


@pytest.mark.parametrize("what", ["files", "words", "bytes"])
def test_a_repositorys_rules_are_bounded_and_the_users_are_not(tmp_path: Path, what: str) -> None:
    if what == "files":
        for number in range(101):
            text = OWN.replace("acme", f"acme{number}x").replace("Acme", f"A{number}x")
            (tmp_path / f"a{number}.yaml").write_text(text)
    elif what == "words":
        prefixes = ", ".join(f"zq{number}x_" for number in range(2_001))
        (tmp_path / "acme.yaml").write_text(OWN.replace("[acme_live_", f"[acme_live_, {prefixes}"))
    else:
        for number in range(5):
            text = OWN.replace("acme", f"acme{number}x").replace("Acme", f"A{number}x")
            (tmp_path / f"a{number}.yaml").write_text(text + "#" * (1_000_000 - len(text)))
    load_rulebook([RuleFolder(str(tmp_path), Provenance.USER)])
    with pytest.raises(RuleError, match=r"a repository('s rules have| has) at most"):
        load_rulebook([RuleFolder(str(tmp_path), Provenance.REPOSITORY)])
