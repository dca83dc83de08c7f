"""Messages about paths, refs and options that hold a key: the key is in none of them, whatever its prefix."""

from __future__ import annotations

import pytest

from keyleak.cli import main
from keyleak.errors import ExitCode
from keyleak.prefixes import prefix_words, words_of
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from repositories import new_repository

COMMANDS = (
    ("report", "x/{}.json"),
    ("scan", "x/{}"),
    ("scan", "--{}"),
    ("scan", "--format", "{}"),
    ("scan", "--issuer", "{}", "."),
    ("scan", "--min-severity", "{}", "."),
    ("history", "x/{}"),
    ("history", ".", "--range", "{}..HEAD"),
    ("history", ".", "--refs", "refs/heads/{}"),
    ("history", ".", "--since", "{}"),
    ("history", "https://127.0.0.1:1/{}.git"),
    ("baseline", "check", "--baseline", "x/{}"),
    ("baseline", "create", "--baseline", "x/{}"),
    ("hook", "run", "pre-commit", "--config", "x/{}"),
    ("config", "check", "--config", "x/{}"),
    ("verify", "x/{}.json"),
    ("verify", "--endpoint", "flora=http://{}/", "."),
    ("rules", "check", "x/{}"),
    ("rules", "show", "{}"),
    ("rules", "list", "--rules", "x/{}"),
    ("fix", "x/{}"),
    ("fix", ".", "--id", "{}"),
    ("{}",),
)


def test_the_words_are_those_of_the_rules() -> None:
    # They are read without YAML, so another way of writing a list would go unseen. Rules that other tests of
    # this process loaded from folders of theirs add words.
    assert prefix_words() >= {prefix for rule in load_rulebook().keys for prefix in rule.prefixes}
    file = b"""keys:
  - prefixes: [a_b_, 'c_' ,"d-"]
  - {id: x, prefixes: [e_]}
  - id: y
    prefixes:
      - f_live_
      - "g_"
    pattern: '[a-z]{16}'
  - prefixes: []
"""
    assert list(words_of(file)) == [b"a_b_", b"c_", b"d-", b"e_", b"f_live_", b"g_"]


@pytest.mark.parametrize("prefix", sorted(prefix_words()))
def test_no_command_prints_a_key_that_it_was_given(
    prefix: str, tmp_path: object, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    new_repository(tmp_path)  # type: ignore[arg-type]
    monkeypatch.chdir(tmp_path)  # type: ignore[arg-type]
    body = expand("${base62:60}", len(prefix))
    for command in COMMANDS:
        code = main([word.replace("{}", prefix + body) for word in command])
        said = "".join(capsys.readouterr())
        assert not any(body[at : at + 8] in said for at in range(4, len(body) - 7)), command
        assert code in {ExitCode.CLEAN, ExitCode.INCOMPLETE}, (command, said)
