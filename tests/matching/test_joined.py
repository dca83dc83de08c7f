"""Keys that a program puts together are found whole, in the languages people write, and nothing else is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyleak.rulebook.template import expand
from strategies import matcher, pure_matcher

# Two keys: a decisive one and one of no telling length. `{B}` is a body, `{B1}` and `{B2}` its halves.
KEYS = ("sk_live_51${base62:97}", "sk_test_${base62:43}")
WAYS = {
    "JavaScript": 'const k = "{P}" + "{B}";',
    "JavaScript, prefix in pieces": "k = '{sk}' + '_{live}_' + '{B1}' +\n   '{B2}'",
    "JavaScript, comment": 'k = "{P}" + // the first half\n    "{B}";',
    "JavaScript join": '["{sk}","{live}","{B}"].join("_")',
    "JavaScript join of all": "const k = ['{P}', '{B1}', '{B2}'].join('')",
    "TypeScript template": 'const p: string = "{P}";\nconst k = `${p}{B}`;',
    "TypeScript templates": "k = `{sk}_` + `{live}_` + `{B}`",
    "TypeScript constant in a template": 'k = `{P}${"{B}"}`;',
    "TypeScript concat": "['{P}', '{B}'].concat()",
    "Python adjacency": 'k = ("{P}{B1}"\n     "{B2}")',
    "Python adjacency, prefix in pieces": "k = ('{sk}_' '{live}_'\n     '{B1}' '{B2}')",
    "Python plus": "k = '{P}' + \\\n    '{B}'",
    "Python join": "k = '_'.join(['{sk}', '{live}', '{B}'])",
    "Python join of a tuple": "k = ''.join(('{P}', '{B}'))",
    "Python f-string": 'PREFIX = "{P}"\nkey = f"{PREFIX}{B}"',
    "Python f-string of two": 'prefix = "{P}"\nbody = "{B}"\nkey = f"{prefix}{body}"',
    "Python two names": "prefix = '{P}'\nbody = '{B}'\nkey = prefix + body",
    "Python continued string": 'k = "{P}{B1}\\\n{B2}"',
    "Go": 'k := "{P}" +\n\t"{B}"',
    "Go names": 'var p string = "{P}"\nk := p + "{B}"',
    "Go join": 'strings.Join([]string{"{sk}", "{live}", "{B}"}, "_")',
    "Java": 'String k = "{P}"\n    + "{B}";',
    "Java join": 'String.join("_", "{sk}", "{live}", "{B}")',
    "C#": 'var k = "{P}" + @"{B}";',
    "C# join": 'string.Join("_", new[] { "{sk}", "{live}", "{B}" })',
    "PHP": "$k = '{P}' . '{B}';",
    "PHP implode": "implode('_', ['{sk}', '{live}', '{B}'])",
    "PHP constant": "define('P', '{P}'); $k = P . '{B}';",
    "Ruby": "k = '{P}' \\\n  '{B}'",
    "Ruby interpolation": 'p = "{P}"\nk = "#{p}{B}"',
    "Ruby join": "['{sk}','{live}','{B}'].join('_')",
    "shell": 'P={P}\nK="${P}{B}"',
    "shell adjacency": "K='{P}''{B}'",
    "shell continued, no quotes": "K={sk}_\\\n{live}_\\\n{B1}\\\n{B2}",
    "shell continued": 'curl -u "{P}{B1}\\\n{B2}:"',
    "Visual Basic": 'k = "{P}" & "{B}"',
    "Lua": 'k = "{P}" .. "{B}"',
}


def filled(way: str, key: str) -> str:
    sk, live, body = key.split("_", 2)
    half = len(body) // 2
    parts = {"P": f"{sk}_{live}_", "B": body, "B1": body[:half], "B2": body[half:], "sk": sk, "live": live}
    return re.sub(r"(?<!\$)\{(P|B|B1|B2|sk|live)\}", lambda part: parts[part[1]], way)


def found(content: str) -> list[str]:
    keys = [match.secret.reveal().decode() for match in matcher().match(content.encode())]
    assert keys == [match.secret.reveal().decode() for match in pure_matcher().match(content.encode())]
    return keys


@pytest.mark.parametrize("template", KEYS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_key_in_pieces_is_found_whole(way: str, template: str) -> None:
    key = expand(template, 7)
    content = filled(way, key)
    assert key not in content
    assert found(content) == [key]


@pytest.mark.parametrize("way", [WAYS["JavaScript"], WAYS["Go join"], WAYS["Python adjacency"]])
def test_its_offsets_point_at_the_pieces(way: str) -> None:
    key = expand(KEYS[0], 3)
    content = filled(way, key)
    (match,) = matcher().match(content.encode())
    assert match.start == match.pieces[0][0]
    pieces = [content[start:end] for start, end in match.pieces]
    assert "".join(pieces).replace("_", "") == key.replace("_", "")
    assert len(pieces) > 1


@pytest.mark.parametrize(
    "content",
    [
        'if key.startswith("sk_live_") or key.startswith("sk_test_"): return "{B}"',
        '["sk","pl","live","cs_CZ_and_others"].join("_")',
        'k = "sk_live_" + read("{B}")',
        'k = "sk_live_" + "your_key_goes_here"',
        'PREFIX = "sk_live_"\nOTHER = "{B}"',
        '["sk_live_", "sk_test_", "{B}"]',
        "locales = ['sk', 'live', '{B}']",
    ],
)
def test_constants_that_nothing_joins_are_no_key(content: str) -> None:
    body = expand("${base62:42}", 2)
    assert found(content.replace("{B}", body)) == []


def test_words_of_a_shell_beside_a_whole_key_are_not_joined_to_it() -> None:
    key = expand("sk_live_${base62:42}", 4)
    assert found(f'curl -u "{key}" "https" "x"') == [key]
    assert found(f'KEYS=("{key}"\n "{key}")') == [key, key]
    assert found(f'url = "{key}" + "/path"') == [key]


@pytest.mark.parametrize("halves", ["HbWifTNZybzx tOIJC1zIIkwI", "CjecRhPxtazs uFO4KI7lkBHW"])
def test_a_piece_without_a_digit_is_joined_if_its_letters_are_drawn_in_both_cases(halves: str) -> None:
    first, last = halves.split()
    key = f"sk_live_{first}{last}"
    assert found(f"K='sk_''live_''{first}''{last}'") == [key]
    assert found(f"k = ('sk_'\n  'live_'\n  '{first}'\n  '{last}')") == [key]


def test_words_beside_a_split_prefix_are_not_joined_to_it() -> None:
    for words in ("'publishableKeyName' 'secretKeyName'", "'someModuleName'", "'anotherLowercaseword'"):
        assert found(f"names = 'sk_' 'live_' {words}") == []


def test_a_truncated_key_is_never_reported_where_the_rest_stands_beside_it() -> None:
    key = expand(KEYS[0], 9)
    assert found(f'k = "{key[:50]}" + "{key[50:]}"') == [key]


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(9, 60))
def test_surrounding_bytes_change_nothing(after: bytes, seed: int, cut: int) -> None:
    key = expand(KEYS[0], seed)
    content = b'x = "' + key[:cut].encode() + b'" + "' + key[cut:].encode() + b'";\n' + after
    assert matcher().match(content)[0].secret.reveal() == key.encode()
