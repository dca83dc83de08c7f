"""All rule files together: the built-in ones and those of further folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyleak.errors import RuleError
from keyleak.findings import Environment
from keyleak.matching.matcher import Matcher
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.model import EnvironmentRule
from keyleak.rulebook.template import expand
from rulebook.test_issuer_file import RULE_FILE
from strategies import reported_on
from strategies import rulebook as built_in

RULES = Path(__file__).parent.parent.parent / "rules"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme.yaml").write_text(RULE_FILE)
    return tmp_path


def test_every_file_of_rules_is_loaded_once() -> None:
    assert {issuer.issuer for issuer in built_in().issuers} == {path.stem for path in RULES.glob("*.yaml")}
    assert {"flora", "stripe", "clerk", "paystack", "workos", "sk-family"} <= {
        each.issuer for each in built_in().issuers
    }
    assert [issuer.issuer for issuer in built_in().issuers if issuer.anonymous] == ["sk-family"]


@pytest.mark.parametrize("seed", range(5))
def test_every_example_is_found_and_no_counter_example_is(seed: int) -> None:
    for rule in built_in().keys:
        for template in rule.examples:
            assert rule.id in set().union(*reported_on(expand(template, seed).encode()).values()), template
        for template in rule.counter_examples:
            reported = reported_on(expand(template, seed).encode())
            assert rule.id not in set().union(*reported.values()), template


def test_every_issuer_that_is_asked_is_asked_over_https_at_a_host_of_its_own() -> None:
    hosts = [issuer.verify.url.split("/")[2] for issuer in built_in().issuers if issuer.verify]
    assert len(hosts) == len(set(hosts)) >= 5


def test_a_further_folder_adds_its_rules(folder: Path) -> None:
    added = load_rulebook([str(folder)])
    assert [each.issuer for each in added.issuers] == [*(each.issuer for each in built_in().issuers), "acme"]
    key = expand("acme_live_${base62:32}", 1)
    (match,) = Matcher(added).match(f"key = '{key}'".encode())
    assert (match.secret.reveal(), match.shapes[0].id) == (key.encode(), "acme-key")
    assert Matcher(built_in()).match(key.encode()) == []
    acme = added.issuer("acme")
    assert acme is not None
    assert acme.keys[0].file == str(folder / "acme.yaml")


def test_the_name_of_no_issuer_is_nobody() -> None:
    assert built_in().issuer("nobody") is None


def test_the_digest_is_that_of_everything_read(folder: Path) -> None:
    digests = [built_in().sha256, load_rulebook().sha256, load_rulebook([str(folder)]).sha256]
    (folder / "acme.yaml").write_text(RULE_FILE.replace("opens everything", "opens a door"))
    digests.append(load_rulebook([str(folder)]).sha256)
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
    assert all(len(digest) == 64 for digest in digests)


def test_files_come_in_the_order_of_their_names_and_others_are_left_alone(folder: Path) -> None:
    for name in ("b.yml", "a.yaml"):
        (folder / name).write_text(RULE_FILE.replace("acme", name[0] * 4))
    (folder / "notes.txt").write_text("no rule")
    added = load_rulebook([str(folder)]).issuers[len(built_in().issuers) :]
    assert [each.issuer for each in added] == ["aaaa", "acme", "bbbb"]


def test_an_issuer_that_has_a_file_already_is_refused(folder: Path) -> None:
    (folder / "again.yaml").write_text(RULE_FILE.replace("acme-key", "acme-other-key"))
    with pytest.raises(RuleError, match="issuer 'acme' has a rule file already") as caught:
        load_rulebook([str(folder)])
    assert caught.value.file == str(folder / "again.yaml")


def test_a_key_id_that_is_used_already_is_refused_with_its_line(folder: Path) -> None:
    (folder / "other.yaml").write_text(RULE_FILE.replace("issuer: acme", "issuer: other"))
    with pytest.raises(RuleError, match=r"'acme-key' is used in .*acme\.yaml already") as caught:
        load_rulebook([str(folder)])
    assert (caught.value.file, caught.value.line) == (str(folder / "other.yaml"), 6)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="no folder of rule files"):
        load_rulebook([str(tmp_path / "missing")])
    with pytest.raises(RuleError, match="holds no rule file"):
        load_rulebook([str(tmp_path)])
    (tmp_path / "file").write_text("x")
    with pytest.raises(RuleError, match="no folder of rule files"):
        load_rulebook([str(tmp_path / "file")])


def test_a_file_that_cannot_be_read_is_refused(folder: Path) -> None:
    (folder / "bad.yaml").write_bytes(b"issuer: \xff\xfe")
    with pytest.raises(RuleError, match="is not UTF-8") as caught:
        load_rulebook([str(folder)])
    assert caught.value.file == str(folder / "bad.yaml")
    (folder / "bad.yaml").unlink()
    (folder / "bad.yaml").symlink_to(folder / "nowhere")
    with pytest.raises(RuleError, match="cannot be read"):
        load_rulebook([str(folder)])


def test_an_error_in_a_further_file_names_it_and_the_line(folder: Path) -> None:
    (folder / "acme.yaml").write_text(RULE_FILE.replace("strength: strong", "strength: x"))
    with pytest.raises(RuleError) as caught:
        load_rulebook([str(folder)])
    assert str(caught.value).startswith(f"{folder / 'acme.yaml'}:12: ")


@pytest.mark.parametrize("pattern", ["(?i)[a-z]{16}", "[a-z]{16}", "a|b", "(?P<name>[a-z]{16})"])
def test_a_pattern_that_is_accepted_can_be_compiled_with_its_prefix(folder: Path, pattern: str) -> None:
    (folder / "acme.yaml").write_text(RULE_FILE.replace("[A-Za-z0-9]{32}", pattern))
    try:
        added = load_rulebook([str(folder)])
    except RuleError as error:
        assert error.line == 10  # noqa: PT017 - refusing it with its line is the other right answer
        return
    assert Matcher(added).match(b"nothing") == []


@pytest.mark.parametrize(
    ("rule", "prefix", "environment"),
    [
        (EnvironmentRule.BY_PREFIX, "sk_live_", Environment.LIVE),
        (EnvironmentRule.BY_PREFIX, "rk_test_", Environment.TEST),
        (EnvironmentRule.BY_PREFIX, "sk_prod_", Environment.LIVE),
        (EnvironmentRule.BY_PREFIX, "sk_dev_", Environment.TEST),
        (EnvironmentRule.BY_PREFIX, "stg_sk_test_", Environment.TEST),
        (EnvironmentRule.BY_PREFIX, "ak_", Environment.UNKNOWN),
        (EnvironmentRule.BY_PREFIX, "olive_", Environment.UNKNOWN),
        (EnvironmentRule.LIVE, "sk_test_", Environment.LIVE),
        (EnvironmentRule.TEST, "sk_live_", Environment.TEST),
        (EnvironmentRule.UNKNOWN, "sk_live_", Environment.UNKNOWN),
    ],
)  # fmt: skip
def test_where_the_environment_of_a_key_comes_from(
    rule: EnvironmentRule, prefix: str, environment: Environment
) -> None:
    assert rule.of(prefix) is environment
