"""Keys that a program puts together are found whole, in the languages people write, and nothing else is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyleak.rulebook.template import expand
from strategies import matcher, pure_matcher
from work import growth

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
    "JavaScript concat": "k = '{P}'.concat('{B1}', '{B2}')",
    "JavaScript concat of a name": "const p = '{P}';\nf({ k: p.concat('{B}') });",
    "JavaScript plus and assignment": "let k = '{P}';\nk += '{B1}';\nk += '{B2}';",
    "JavaScript comments": "k = '{P}' + // live\n  /* body */ '{B}';",
    "JavaScript members": "const c = { a: '{P}', b: '{B}' };\nf(c.a + c.b);",
    "JavaScript literal and name": "const b = '{B}';\nconst k = `{P}${b}`;",
    "JavaScript names of names": "const p = '{sk}_' + '{live}_';\nconst k = p + '{B}';",
    "TypeScript static members": "static A = '{P}{B1}';\nstatic B = '{B2}';\nk = `${Config.A}${Config.B}`;",
    "TypeScript list of a name": "const all = ['{P}', '{B}'] as const;\nk = all.join('');",
    "Python literal and name": "b = '{B}'\nk = f'{P}{b}'",
    "Python three names": "a = '{P}'\nb = '{B1}'\nc = '{B2}'\nk = a + b + c",
    "Python format": "k = '{}{}'.format('{P}', '{B}')",
    "Python format of a beginning": "k = '{P}{}'.format('{B}')",
    "Python percent": "k = '%s_%s_%s' % ('{sk}', '{live}', '{B}')",
    "Python percent of a beginning": "k = '{P}%s' % '{B}'",
    "Python list of a name": "parts = [\n '{P}',\n '{B1}',\n '{B2}',\n]\nk = ''.join(parts)",
    "Python assignment": "k = '{P}{B1}'\nk += '{B2}'",
    "Python continued plus": "k = '{P}' \\\n    + '{B}'",
    "Python attributes": "class K:\n    A = '{P}'\n    B = '{B}'\n\nk = K.A + K.B",
    "Go Sprintf": 'k := fmt.Sprintf("%s%s", "{P}", "{B}")',
    "Go Sprintf of a beginning": 'k := fmt.Sprintf("{P}%s", "{B}")',
    "Go builder": 'b.WriteString("{P}")\n\tb.WriteString("{B}")',
    "Java builder": 'new StringBuilder("{P}").append("{B1}").append("{B2}").toString()',
    "Java builder, statements": 'sb.append("{P}");\n  sb.append("{B}");',
    "Java format": 'String.format("%s%s", "{P}", "{B}")',
    "Java format of a beginning": 'String.format("{sk}_%s_%s", "{live}", "{B}")',
    "Java concat": '"{P}".concat("{B}")',
    "C# concat": 'string.Concat("{P}", "{B}")',
    "C# format": 'string.Format("{0}{1}", "{P}", "{B}")',
    "C# builder": 'new StringBuilder()\n  .Append("{P}")\n  .Append("{B}")',
    "PHP sprintf": "sprintf('%s%s', '{P}', '{B}')",
    "PHP assignment": "$k = '{P}{B1}';\n$k .= '{B2}';",
    "PHP interpolation": "$a = '{P}';\n$b = '{B}';\n$k = \"{$a}{$b}\";",
    "PHP class constants": "const A = '{P}';\nconst B = '{B}';\nconst K = self::A . self::B;",
    "Ruby shovel": "k = +'{P}'\nk << '{B}'",
    "Ruby format": "format('%s%s', '{P}', '{B}')",
    "shell names": 'A={P}\nB={B}\nexport K="${A}${B}"',
    "shell names without braces": "A='{P}'\nB='{B}'\nK=$A$B run",
    "shell assignment": "K='{P}{B1}'\nK+='{B2}'",
    "shell printf": "K=$(printf '%s%s' '{P}' '{B}')",
    "shell words partly in quotes": "K={P}\"{B1}\"'{B2}'",
    "Kotlin template": 'val a = "{P}"\nval b = "{B}"\nval k = "$a$b"',
    "Swift interpolation": 'let a = "{P}"\nlet b = "{B}"\nlet k = "\\(a)\\(b)"',
    "Rust concat": 'concat!("{P}", "{B}")',
    "Rust format": 'const A: &str = "{P}";\nconst B: &str = "{B}";\nformat!("{}{}", A, B)',
    "Rust inline format": 'let a = "{P}";\nlet b = "{B}";\nformat!("{a}{b}")',
    "PowerShell format": "'{0}{1}' -f '{P}', '{B}'",
    "PowerShell join": "-join ('{P}', '{B}')",
    "Elixir": '"{P}" <> "{B}"',
    "SQL": "CONCAT('{P}', '{B}')",
    "JavaScript grown from nothing": "let k = '';\nk += '{P}';\nk += '{B}';",
    "Python entries": "C = {\n 'a': '{P}',\n 'b': '{B}',\n}\nk = C['a'] + C['b']",
    "Kotlin buildString": 'buildString {\n  append("{P}")\n  append("{B}")\n}',
    "Kotlin joinToString": 'listOf("{P}", "{B}").joinToString("")',
    "Swift joined": 'let parts = ["{P}", "{B}"]\nlet k = parts.joined()',
    "Ruby percent": "'%s%s' % ['{P}', '{B}']",
    "shell assignment without quotes": "K={P}{B1}\nK+={B2}\n",
    "Makefile": "A := {P}\nB := {B}\nK := $(A)$(B)\n",
    "batch": "set A={P}\r\nset B={B}\r\nset K=%A%%B%\r\n",
    "PowerShell join behind": "$p = @('{P}', '{B}')\n$k = $p -join ''",
    "R": 'paste0("{P}", "{B}")',
    "Haskell": 'k = "{P}" ++ "{B}"',
    "Objective-C format": '[NSString stringWithFormat:@"%@%@", @"{P}", @"{B}"]',
    "C++": 'std::string("{P}") + "{B}"',
    "Rust push": 'let mut k = String::from("{P}");\nk.push_str("{B}");',
    "Rust owned": '"{P}".to_string() + "{B}"',
    "Lua concat": 'table.concat({ "{P}", "{B}" })',
    "Elixir attributes": '@a "{P}"\n@b "{B}"\ndef k, do: @a <> @b',
    "Java array": 'String[] P = {"{P}", "{B}"};\nString k = String.join("", P);',
    "Visual Basic, continued": 'k = "{P}" & _\n  "{B}"',
    "CloudFormation": '!Join ["", ["{P}", "{B}"]]',
    "Terraform": 'a = "{P}"\nb = "{B}"\nk = "${local.a}${local.b}"',
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
        "const prefix = 'sk_live_';\nconst digest = '{B}';\nlog(prefix, digest);",
        "const P = 'sk_live_';\nconst B = 'replaceThisWithYourKey';\nconst k = `${P}${B}`;",
        'fmt.Sprintf("sk_%s_%s", "live", body)\nother := "{B}"',
        "k = 'sk_live_{}'.format(body)\nother = '{B}'",
        "sk_live_\nrk_live_\n{B}\n",
        "<td>sk_live_</td><td>{B}</td>",
        "['sk_live_', '{B}'].join(', ')",
        "','.join(['sk_live_', '{B}'])",
        "'%s %s' % ('sk_live_', '{B}')",
        "key.startsWith('sk_live_') || key === '{B}'",
        "INSERT INTO p VALUES ('sk_live_', '{B}');",
        "x = 'sk_live_' if live else '{B}'",
        "The key begins with sk_live_\n{B} and more\n",
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


@pytest.mark.parametrize("cut", range(2, 9))
def test_the_prefix_word_may_be_cut_anywhere(cut: int) -> None:
    key = expand("sk_live_${hex:40}", cut)
    assert found(f"''.join(['{key[:cut]}', '{key[cut:20]}', '{key[20:]}'])") == [key]


def test_two_keys_that_share_a_beginning_are_both_found() -> None:
    keys = [expand("sk_live_${hex:40}", 1), expand("sk_live_${base62:42}", 2)]
    bodies = [key.removeprefix("sk_live_") for key in keys]
    content = f"const P = 'sk_' + 'live_';\nconst a = P + '{bodies[0]}';\nconst b = P + '{bodies[1]}';\n"
    assert sorted(found(content)) == sorted(keys)


def test_a_name_above_the_assignment_is_not_taken_for_the_variable() -> None:
    key = expand("sk_live_${hex:40}", 3)
    content = f"class Keys:\n    HEAD = 'sk_live_'\n    TAIL = '{key[8:]}'\n\nkey = Keys.HEAD + Keys.TAIL\n"
    assert found(content) == [key]


@pytest.mark.parametrize(
    "template",
    [
        "# the key, wrapped:\n# {1}\n# {2}\nimport os\n",
        "/*\n * {1}\n * {2}\n */\n",
        "Dear team,\n\n{1}\n{2}\n\nRegards\n",
        ">> KEY={1}\n>> {2}\n>\n> thanks\n",
        "key:\r\n{1}\r\n{2}\r\nend\r\n",
        "stripe:\n  key: >-\n    {1}\n    {2}\n",
        '<w:t>{1}</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">{2}</w:t>',
    ],
)
def test_a_telling_key_is_found_over_wrapped_lines(template: str) -> None:
    key = expand("sk_live_51${base62:97}", 5)
    assert found(template.replace("{1}", key[:64]).replace("{2}", key[64:])) == [key]


def test_lines_below_a_key_of_no_telling_length_are_none_of_it() -> None:
    key, other = expand("sk_live_${base62:32}", 6), expand("${hex:20}", 7)
    assert found(f"{key}\n{other}\n") == [key]


def test_a_member_of_what_a_key_is_given_to_is_none_of_it() -> None:
    key = expand("sk_test_${base62:25}", 8)
    content = (
        f"const workos = new WorkOS('{key}');\nconst events = 'connection';\nawait workos.events.list();\n"
    )
    assert found(content) == [key]
    assert found(f"$k = '{key}';\n$name = 'production';\n$k->name = 1;\nk.name();") == [key]


def test_a_truncated_key_is_never_reported_where_the_rest_stands_beside_it() -> None:
    key = expand(KEYS[0], 9)
    assert found(f'k = "{key[:50]}" + "{key[50:]}"') == [key]


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(9, 60))
def test_surrounding_bytes_change_nothing(after: bytes, seed: int, cut: int) -> None:
    key = expand(KEYS[0], seed)
    content = b'x = "' + key[:cut].encode() + b'" + "' + key[cut:].encode() + b'";\n' + after
    assert matcher().match(content)[0].secret.reveal() == key.encode()


@pytest.mark.parametrize("given", ["Stripe.api_key = ", "api_key: ", "KEY="])
def test_two_keys_of_a_patch_are_not_put_together(given: str) -> None:
    old, new = expand("sk_live_${base62:24}", 1), expand("sk_live_${base62:24}", 2)
    patch = f'@@ -1 +1 @@\n-{given}"{old}"\n+{given}"{new}"\n context\n'
    assert [match.secret.reveal() for match in matcher().match(patch.encode())] == [
        old.encode(),
        new.encode(),
    ]


def test_the_next_line_of_a_patch_is_not_put_behind_a_key() -> None:
    key = expand("sk_live_${base62:24}", 1)
    patch = f'name = "checkout"\n-key = "{key}"\n+name = "payments"\n'
    assert [match.secret.reveal() for match in matcher().match(patch.encode())] == [key.encode()]


@pytest.mark.parametrize("made", ["new Client('%s')", "'%s'"])
def test_a_property_of_what_is_made_of_a_key_is_no_rest_of_it(made: str) -> None:
    """`client.version` was taken for `client . version`, and the version of an option for the key's end."""
    key = expand("sk_test_${base62:25}")
    javascript = (
        f"const client = {made % key};\nexpect(client.version).toBe(1);\n\nconst o = {{ version: '1' }};\n"
    )
    php = f"$client = {made % key};\n$response = $client->payments->create();\n"
    for text in (javascript, php):
        (match,) = matcher().match(text.encode())
        assert (match.secret.reveal().decode(), match.pieces) == (key, ())


@pytest.mark.parametrize(
    "unit", ["'sk_live_' + ", "P='sk_live_'\nk=P+P+P+P+P\n", "'sk_live_', ", "a.append('sk_live_').append("]
)
def test_text_made_of_beginnings_takes_work_in_proportion_to_its_length(unit: str) -> None:
    def read(times: int) -> None:
        assert matcher().match((unit * times).encode()) == []

    assert growth(read, 200) < 2.6
