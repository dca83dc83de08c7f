"""Values given to FLORA's names, headers, flags and calls are found whatever their prefix; others are not."""

from __future__ import annotations

import base64

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keyleak.matching.placeholders import placeholder_reason
from keyleak.rulebook.template import expand
from strategies import found_in, matcher, reported_on, rulebook

VALUES = ("${base62:40}", "fk-${hex:40}", "ak_${base62:32}", "sk_live_${base62:42}")
ENVIRONMENT_FILES = (
    "FLORA_API_KEY=%s", "FLORA_API_KEY=%s  # production", "FLORA_API_KEY = %s", "FLORA_API_KEY='%s'",
    'FLORA_API_KEY="%s"',
    "export FLORA_API_KEY=%s", "set FLORA_API_KEY=%s", "setx FLORA_API_KEY \"%s\"",
    "$env:FLORA_API_KEY = '%s'", "ENV FLORA_API_KEY=%s",
    "ENV FLORA_API_KEY %s", "docker run -e FLORA_API_KEY=%s image", "#FLORA_API_KEY=%s",
    "VITE_FLORA_API_KEY=%s", "FLORA_API_KEY_PROD=%s",
    "FLORA_API_TOKEN=%s", "FLORA_AI_API_KEY=%s", "FLORA_SECRET_KEY=%s", "FLORA_API_SECRET=%s",
    "PROD_FLORA_API_KEY=%s",
    "A=1\r\nFLORA_API_KEY=%s\r\nB=2", "A=1 FLORA_API_KEY=%s node index.js", "vercel env add FLORA_API_KEY %s",
)  # fmt: skip
DOCUMENTS = (
    '{"FLORA_API_KEY": "%s"}', '{"FLORA_API_KEY":"%s","OTHER":1}', '{\\"FLORA_API_KEY\\": \\"%s\\"}',
    '"floraApiKey": "%s"', '{"flora-api-key": "%s"}',
    "FLORA_API_KEY: %s", "FLORA_API_KEY: '%s'", "- FLORA_API_KEY=%s", '- "FLORA_API_KEY=%s"',
    "- name: FLORA_API_KEY\n  value: %s",
    '- name: FLORA_API_KEY\n      value: "%s"', "- key: FLORA_API_KEY\r\n  value: %s",
    "FLORA_API_KEY: |\n  %s",
    "<key>FLORA_API_KEY</key>\n\t<string>%s</string>", "<FLORA_API_KEY>%s</FLORA_API_KEY>",
    '<add key="FLORA_API_KEY" value="%s" />',
    '<string name="FLORA_API_KEY">%s</string>', '<property name="floraApiKey" value="%s"/>',
    'variable "FLORA_API_KEY" {\n  default = "%s"\n}',
)  # fmt: skip
CODE = (
    'os.environ.get("FLORA_API_KEY", "%s")', 'os.getenv("FLORA_API_KEY") or "%s"',
    "os.environ['FLORA_API_KEY'] = '%s'",
    'os.getenv("FLORA_API_KEY", default="%s")', 'process.env.FLORA_API_KEY || "%s"',
    "process.env.FLORA_API_KEY ?? '%s'", "process.env['FLORA_API_KEY'] ||= '%s'",
    'ENV.fetch("FLORA_API_KEY", "%s")', 'ENV["FLORA_API_KEY"] || "%s"',
    'System.getenv().getOrDefault("FLORA_API_KEY", "%s")',
    'os.Setenv("FLORA_API_KEY", "%s")', 'const floraApiKey = "%s";', 'flora_api_key = "%s"',
    "FloraApiKey = `%s`", 'myFloraApiKey: "%s"',
    'FLORA_API_KEY := "%s"', 'val FLORA_API_KEY: String = "%s"', "'FLORA_API_KEY' => '%s',",
    'define("FLORA_API_KEY", "%s");', '#define FLORA_API_KEY "%s"',
    'buildConfigField("String", "FLORA_API_KEY", "\\"%s\\"")', "x-flora-api-key: %s",
    '"x-flora-api-key": "%s"', "-H 'x-flora-api-key: %s'",
    "headers.set('X-Flora-Api-Key', '%s')", 'req.Header.Set("X-FLORA-API-KEY", "%s")',
)  # fmt: skip
CALLS = (
    'client := flora.NewClient(option.WithAPIKey("%s"))', "flora.NewClient(option.WithAPIKey(`%s`))",
    ('client := flora.NewClient(\n'
     '\toption.WithBaseURL(base),\n\toption.WithTimeout(30*time.Second),\n\toption.WithAPIKey("%s"),\n)'),
    ('import "github.com/florafauna-ai/flora-go"\n\n'
     'func options() option.RequestOption {\n\treturn option.WithAPIKey("%s")\n}'),
    'new Flora({ apiKey: "%s" })', "new FLORA({\n  apiKey: '%s',\n})", "new Flora('%s')",
    'new Flora({ "apiKey": "%s" })',
    'new Flora({\n  baseURL: url,\n  apiKey: "%s",\n})', 'Flora(api_key="%s")',
    'Flora(\n    timeout=30,\n    api_key="%s",\n)', 'new FloraClient({ apiKey: "%s" })',
    "flora techniques list --api-key %s", "flora techniques list --api-key=%s",
    "flora techniques list --api-key '%s'", 'flora runs get \\\n  --api-key "%s"',
    "flora models list --limit 5 --api-key %s",
    "curl https://app.flora.ai/api/v1/techniques -H 'Authorization: Bearer %s'",
    'curl -s -H "Authorization: Bearer %s" https://app.flora.ai/api/v1/techniques',
    'curl -s \\\n  -H "Authorization: Bearer %s" \\\n  https://app.flora.ai/api/v1/techniques',
    "curl https://app.flora.ai/x -H 'X-API-Key: %s'",
    'requests.get("https://app.flora.ai/api/v1/models", headers={"Authorization": "Bearer %s"})',
    '{"mcpServers":{"flora":{"command":"npx","args":["-y","flora-mcp"],"env":{"FLORA_API_KEY":"%s"}}}}',
    ('{\n  "flora": {\n    "command": "npx",\n    "args": ["-y", "flora-mcp"],\n'
     '    "env": {\n      "FLORA_API_KEY": "%s"\n    }\n  }\n}'),
    '{"args":["-y","flora-mcp","--api-key","%s"]}',
    'claude mcp add flora --env FLORA_API_KEY="%s" -- npx -y flora-mcp',
)  # fmt: skip
# Further ways to write an assignment to a FLORA-named variable, each common in its language.
FURTHER = (
    '        - name: FLORA_API_KEY\n          value: "%s"',
    "            - name: FLORA_API_KEY\n              value: %s", "FLORA_API_KEY: >-\n  %s",
    "A=1\\nFLORA_API_KEY=%s\\nB=2", '"env": "A=1\\r\\nFLORA_API_KEY=%s"', "FLORA_API_KEY%%3D%s",
    'FLORA_API_KEY=\\u0022%s\\u0022', "FLORA_API_KEY\\u003d%s",
    "FLORA_API_KEY=&quot;%s&quot;", 'const FLORA_API_KEY: &str = "%s";',
    'env::var("FLORA_API_KEY").unwrap_or("%s".to_string())', 'getenv("FLORA_API_KEY") ?: "%s"',
    'gh secret set FLORA_API_KEY --body "%s"', "flora --api-key %s techniques list",
)  # fmt: skip


def filled(form: str, template: str, seed: int = 3) -> tuple[str, str]:
    value = expand(template, seed)
    return form % value, value


@pytest.mark.parametrize("template", VALUES)
@pytest.mark.parametrize("form", ENVIRONMENT_FILES + DOCUMENTS + CODE + CALLS)
def test_a_value_given_to_flora_is_found_whole(form: str, template: str) -> None:
    text, value = filled(form, template)
    start = text.index(value)
    assert found_in(text.encode()) == [(value.encode(), start, start + len(value))]
    (match,) = matcher().match(text.encode())
    assert {recipient.issuer for recipient in match.assigned_to} == {"flora"}


@pytest.mark.parametrize("template", VALUES[:2])
@pytest.mark.parametrize("form", FURTHER)
def test_further_ways_to_write_an_assignment(form: str, template: str) -> None:
    text, value = filled(form, template)
    start = text.index(value)
    assert found_in(text.encode()) == [(value.encode(), start, start + len(value))]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
@pytest.mark.parametrize(
    "form", [*ENVIRONMENT_FILES[:4], *DOCUMENTS[:4], CODE[0], CODE[4], CALLS[2], CALLS[6]]
)
def test_a_value_given_to_flora_is_found_in_utf16(form: str, encoding: str) -> None:
    text, value = filled(form, "${base62:40}")
    assert [key for key, _, _ in found_in(text.encode(encoding))] == [value.encode()]


@pytest.mark.parametrize(
    "form",
    [
        "%s", "API_KEY=%s", "OTHER_API_KEY=%s", "OPENAI_API_KEY=%s", "POSIFLORA_API_KEY=%s",
        "MYFLORA_API_KEY=%s", "FLORAL_API_KEY=%s",
        "FLORA_WEBHOOK_ID=%s", "FLORA_PROJECT_ID=%s", "flora %s", "flora: %s", "the flora of %s",
        "Authorization: Bearer %s", "--api-key %s",
        'option.WithAPIKey("%s")', "new Fauna({ apiKey: '%s' })",
        "curl https://api.example.com -H 'Authorization: Bearer %s'", "x-fauna-api-key: %s",
        "# FLORA_API_KEY\nOTHER=%s", 'FLORA_API_KEY=""\nCOMMIT=%s', "FLORA_API_KEY=\nOTHER_API_KEY=%s",
        "FLORA_API_KEY: ${{ secrets.FLORA_API_KEY }}\nOTHER: %s",
        "new Flora({ apiKey })\n\nconst hash = '%s'",
        "flora.NewClient()\n\nx.New(other.WithKey(\"%s\"))",
    ],
)  # fmt: skip
@pytest.mark.parametrize("template", ["${base62:40}", "ak_${base62:32}"])
def test_a_value_given_to_something_else_is_not_found(form: str, template: str) -> None:
    assert reported_on(filled(form, template)[0].encode()) == {}


@pytest.mark.parametrize(
    "form",
    [
        "FLORA_API_KEYS=%s",
        "FLORA_API_KEY:\n  required: true\n  value_of_it: %s",
        "FLORA_API_KEY is now %s",
    ],
)
def test_near_a_name_of_floras_a_value_without_its_prefix_is_not_found(form: str) -> None:
    """With the prefix it looks like a key, and the name says whose."""
    assert reported_on(filled(form, "${base62:40}")[0].encode()) == {}
    (rules,) = reported_on(filled(form, "ak_${base62:32}")[0].encode()).values()
    assert rules == {"flora-clerk-api-key"}


@pytest.mark.parametrize(
    "word",
    [
        "floraapi.com",
        "https://api.floraapi.com/v1",
        "perenual",
        "posiflora",
        "plantnet",
        "gemini",
        "PERENUAL_KEY",
    ],
)
@pytest.mark.parametrize("template", ["${base62:40}", "ak_${base62:32}"])
def test_a_namesake_on_the_line_is_a_veto(word: str, template: str) -> None:
    value = expand(template)
    assert reported_on(f"FLORA_API_KEY={value} # {word}".encode()) == {}
    assert found_in(f"# {word}\nFLORA_API_KEY={value}".encode()) != []


REFERENCES = (
    "${{ secrets.FLORA_API_KEY }}", "${{ secrets.FLORA_API_KEY_PRODUCTION_2 }}", "$FLORA_API_KEY",
    "${FLORA_API_KEY}", "${FLORA_API_KEY:-default_value_12345}",
    "process.env.FLORA_API_KEY", "process.env['FLORA_API_KEY_1234567']",
    "import.meta.env.VITE_FLORA_API_KEY_V2", "os.environ['FLORA_API_KEY']", "os.environ[\"FLORA_API_KEY_2\"]",
    "Deno.env.get('FLORA_API_KEY_2')", "secrets.FLORA_API_KEY_2024", "env.FLORA_API_KEY_STAGING_2",
    "settings.flora_api_key_2", "config.flora.apiKeyFromVault",
    "%FLORA_API_KEY_PROD_1%", "{{ flora_api_key_prod_1 }}", "$(cat /run/secrets/flora_api_key)",
    "/run/secrets/flora_api_key", "/run/secrets/flora_api_key_v2",
    "getSecret('flora-api-key-2024')", "await fetchFloraApiKeyV2()", "getFloraApiKeyFromSecretsManager()",
    "secretsManager.getSecretValue", "viper.GetString(\"flora.api_key\")",
    "op://vault/item/field1234567890", "vault:secret/data/flora#key",
    "https://vault.example.com/v1/secret/data/flora", "projects/123456/secrets/flora-api-key/versions/latest",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:flora-AbCdEf",
    "@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/flora/0123)",
    "!Ref FloraApiKeyParameter1", "floraApiKeyFromEnvironment2024",
)  # fmt: skip
PLACEHOLDERS = (
    "your-flora-api-key", "your-flora-api-key-goes-here", "<your-flora-api-key>", "[YOUR_FLORA_API_KEY_HERE]",
    "My API Key", "...", "***", "ak_" + "test",
    "ak_" + "x" * 32, "ak_" + "your_key_here_12345678", "0" * 32, "a" * 32,
    "0123456789abcdef0123456789abcdef", "1234567890123456789012345",
    "test-key-for-flora-unit-tests-1", "dummy-flora-key-for-ci-1234", "fake_flora_api_key_0123456789",
    "my-flora-api-key-12345678", "FLORA_API_KEY_HERE_1234567",
    "example-1234567890-flora-key", "changeme-changeme-changeme", "replace_with_your_flora_key",
    "sk_flora_" + "x" * 24, "shortkey1",
)  # fmt: skip


@pytest.mark.parametrize(
    "form",
    [
        "FLORA_API_KEY=%s\n",
        'FLORA_API_KEY: "%s",\n',
        "const floraApiKey = %s;\n",
        "x-flora-api-key: %s\n",
        "new Flora({ apiKey: %s })",
    ],
)
@pytest.mark.parametrize("value", REFERENCES + PLACEHOLDERS)
def test_references_and_placeholders_are_no_values(value: str, form: str) -> None:
    assert found_in((form % value).encode()) == []


@pytest.mark.parametrize("blank", ["sk_live_sua_chave_aqui", "sk_live_dummy_key_for_build", "<sk_test_...>"])
def test_base64_of_a_placeholder_is_no_value(blank: str) -> None:
    encoded = base64.b64encode(blank.encode())
    assert found_in(b"data:\n  FLORA_API_KEY: %s\n" % encoded) == []


def test_base64_of_a_random_value_is_one() -> None:
    _, value = filled("%s", "fk${base62:38}")
    encoded = base64.b64encode(value.encode())
    assert len(found_in(b"data:\n  FLORA_API_KEY: %s\n" % encoded)) == 1


@pytest.mark.parametrize(
    ("length", "count"), [(15, 0), (16, 1), (249, 1), (250, 1), (251, 0), (300, 0), (600, 0)]
)
def test_the_length_of_a_value_is_that_of_a_body_and_never_cut(length: int, count: int) -> None:
    text, value = filled("FLORA_API_KEY=%s\n", f"${{base62:{length}}}", seed=1)
    assert [key for key, _, _ in found_in(text.encode())] == [value.encode()] * count


@pytest.mark.parametrize(("length", "count"), [(12, 0), (16, 1), (250, 1), (251, 0)])
def test_the_length_of_a_clerk_made_key(length: int, count: int) -> None:
    text, value = filled('{"FLORA_API_KEY":"%s"}', f"ak_${{base62:{length}}}", seed=1)
    assert [key for key, _, _ in found_in(text.encode())] == [value.encode()] * count


def test_a_clerk_made_key_with_padding_is_found_whole() -> None:
    text, value = filled("FLORA_API_KEY='%s'", "ak_${base64:43}=")
    assert [key for key, _, _ in found_in(text.encode())] == [value.encode()]
    (match,) = matcher().match(text.encode())
    assert (match.prefix, match.shapes[0].id) == ("ak_", "flora-clerk-api-key")


@given(
    seed=st.integers(0, 10_000),
    length=st.integers(32, 250),
    form=st.sampled_from(ENVIRONMENT_FILES + DOCUMENTS + CODE),
)
@settings(max_examples=300, deadline=None)
def test_random_values_of_any_length_are_found_in_every_form(seed: int, length: int, form: str) -> None:
    text, value = filled(form, f"${{base62:{length}}}", seed)
    # How seldom the filter is wrong about a random value is measured in test_placeholders.py.
    assume(placeholder_reason(value, rulebook().placeholders) is None)
    assert [key for key, _, _ in found_in(text.encode())] == [value.encode()]


def test_several_values_each_go_to_their_own_name() -> None:
    first, second = expand("${base62:40}", 1), expand("${base62:40}", 2)
    text = f"FLORA_API_KEY={first} OTHER_KEY={second}\nTHIRD={second}\nx-flora-api-key: {second}"
    found = found_in(text.encode())
    assert [(key.decode(), start) for key, start, _ in found] == [(first, 14), (second, text.rindex(second))]
