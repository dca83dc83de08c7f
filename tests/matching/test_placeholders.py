"""What people write into a blank is never a key; what chance draws is hardly ever taken for it."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keyleak.matching.placeholders import placeholder_reason
from keyleak.rulebook.template import expand
from strategies import bodies, found_in, matcher, rulebook

PREFIXES = ("sk_live_", "sk_test_", "rk_live_")

# The beginnings of the placeholder filter (research on public code), each as people go on with it.
BEGINNINGS = (
    "your_api_key_goes_here", "your-secret-key-1234567", "YOUR_STRIPE_SECRET_KEY", "YOUR_KEY_1234567890",
    "yourSecretKeyGoesHere",
    "tu_clave_secreta_aqui", "votre_cle_secrete_ici", "VOTRE_CLE_SECRETE_123", "sua_chave_secreta_aqui",
    "ou_sk_live_suachave",
    "replace_with_your_key", "replaceme1234567890", "REPLACE_ME_WITH_REAL_KEY", "paste_your_key_here_1",
    "placeholder1234567890",
    "placeholder_for_build", "example_key_1234567890", "exampleKey1234567890", "EXAMPLE_1234567890AB",
    "dummy_key_for_tests_1",
    "dummyKeyForBuild1234", "fake_key_1234567890ab", "FAKE_KEY_FOR_TESTING_1", "mock_stripe_key_123456",
    "stub_for_unit_tests_1",
    "fixture_key_1234567890", "test_key_for_unit_tests", "secret_key_goes_here_1", "key_goes_here_12345678",
    "change_me_before_deploy",
    "changeme_changeme_12", "insert_your_key_here_1", "sample_key_1234567890", "demo_key_1234567890abc",
    "build_placeholder_0000",
    "ci_placeholder_000000000000", "or_sk_test_whatever_key", "00000000000000000000",
    "000000_placeholder_000",
)  # fmt: skip
RUNS = (
    "abc123abc123abc123abc123", "xyz789xyz789xyz789xyz", "12345678901234567890", "1234567890abcdef1234567890",
    "123456789012345678901234",
    "abcdefghijklmnopqrstuvwx", "ABCDEFGHIJKLMNOPQRSTUV", "zyxwvutsrqponmlkjihg", "deadbeefdeadbeefdeadbeef",
    "DEADBEEFCAFEBABE1234",
    "aB3cD4eF5gH6iJ7kL8mN9", "a1b2c3d4e5f6g7h8i9j0", "A1B2C3D4E5F6G7H8I9J0K1L2", "51234567890abcdef12345",
    "0123456789abcdef0123456789abcdef",
    "qwertyuiopasdfghjklz", "abcdef1234567890abcdef", "9876543210987654321098",
    "a3f7c2e1b9d4f6c8a2e5f1d3b7c9e2a4", "7k2m9x4q8w3p6t1z5r", "51HqJK2LkPwP8Z9K3", "51Na8KZpQr3VbXw9T2",
)  # fmt: skip
REPEATS = (
    *(character * length for character in "xX0aG*1-_" for length in (16, 24, 42, 99)),
    "abababababababababab", "k9Qzk9Qzk9Qzk9Qzk9Qz", "foobarfoobarfoobarfoobar",
)  # fmt: skip
SENTENCES = (
    "should_be_refused_by_server", "golden_path_value_DO_NOT_LEAK_xyz123", "thisisnotarealsecretkeyatall",
    "this-is-not-a-real-key-1",
    "yourapikeygoesherenow", "notarealkeyjustatest12", "never_commit_real_keys_1", "iter_forwards_options",
    "client_factory_for_tests",
    "production_secret_key_value", "expired_key_for_the_test", "leaked-key-in-the-log",
    "ThisIsAFakeSecretKeyForTests", "invalid_signature_check",
    "from_environment_variable", "valid_key_with_no_access", "MY_SECRET_STRIPE_KEY_42",
)  # fmt: skip
# What people make up without a word of the lists: patterns, hands on the keyboard, other languages.
MADE_UP = (
    "xK9mN2pQ5rT8vW1yZ4bC7dF0gH3jL6", "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "13579bdf02468ace13579bdf02468ace",
    "246810121416182022242628", "100101102103104105106", "1020304050607080", "asdlkfjasldkfjalskdjflaksj",
    "sdfsdfsdfsdfwerwerwer", "benutzerverwaltung", "translations_2024", "abtest_variant_b_2024q1",
    "rendersH1AndH2InOrder", "mettezvotreclesecrete", "ponaquituclavesecreta", "masukkankuncianda",
    "wstawtutajswojklucz", "inseriscilatuachiavequi", "wekaufunguowakohapa", "s3cr3t_k3y_g03s_h3r3",
    "FAKE7hG3kL9mN2pQ5rS8tU1v", "i18n_a11y_l10n_k8s", "123e4567-e89b-12d3-a456-426614174000",
    "legitimateinterestassessment", "PROVISIONNEMENT_AUTOMATIQUE", "verwaltungsgemeinschaft",
    "verwaltungsgemeinschaft7",
)  # fmt: skip
ALPHABETS = ("base62", "hex", "HEX", "alnum", "base64url", "base64", "crockford")
BODIES = 3430
CUT_SHORT = ("...", "…", "****", "${id}", "#{id}", "{{ id }}", "%s", "%d")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("body", BEGINNINGS + RUNS + REPEATS + SENTENCES + MADE_UP)
def test_placeholders_are_no_keys(prefix: str, body: str) -> None:
    placeholder = prefix + body
    assert found_in(f'key = "{placeholder}"'.encode()) == []
    assert found_in(f"{placeholder}\n".encode("utf-16")) == []


@pytest.mark.parametrize(
    "tail",
    [
        "...",
        "…",
        "***",
        "****7890",
        "<your key>",
        "[REDACTED]",
        "{key}",
        "${KEY}",
        "%s",
        "[0-9a-zA-Z]{24}",
        "(.*)",
        "\\w+",
        '"',
        "'",
        ")",
    ],
)
def test_marks_in_place_of_a_body_are_no_keys(tail: str) -> None:
    assert found_in(("sk_live_" + tail).encode()) == []
    assert found_in(("sk_live_" + "51Hq" + tail).encode()) == []


@pytest.mark.parametrize("mark", CUT_SHORT)
def test_a_short_body_that_is_cut_off_or_completed_is_no_key(mark: str) -> None:
    key = expand("sk_live_${base62:18}", 7)
    assert found_in(f'"{key}{mark}"'.encode()) == []
    assert [found for found, _, _ in found_in(f'"{key}" {mark}'.encode())] == [key.encode()]


@pytest.mark.parametrize("emphasis", ["*", "**", "***"])
def test_a_short_key_in_bold_is_not_cut_off(emphasis: str) -> None:
    key = expand("sk_live_${base62:18}", 7)
    assert [found for found, _, _ in found_in(f"it is {emphasis}{key}{emphasis}.".encode())] == [key.encode()]


@pytest.mark.parametrize("mark", CUT_SHORT)
@pytest.mark.parametrize("template", ["sk_live_51${base62:97}", "sk_test_${base62:42}", "sk_live_${hex:40}"])
def test_a_long_body_before_such_a_mark_is_a_key(template: str, mark: str) -> None:
    key = expand(template, 7)
    assert [found for found, _, _ in found_in(f'"{key}{mark}"'.encode())] == [key.encode()]


@pytest.mark.parametrize(
    "parts",
    [
        ("sk_test_", "4eC39HqLyjWD", "arjtT1zdp7dc"),
        ("sk_live_", "4eC39HqLyjWD", "arjtT1zdp7dc"),
        ("sk_live_", "4eC39HqLyjWD", "arjtT1zdp7dc", "Xk29fQ8sLm"),
        ("sk_test_", "BQokikJOvBiI", "2HlWgH4olfQ2"),
        ("sk_test_", "XKokBfNWv6FI", "YuTMg5sLPjhJ"),
        ("sk_test_", "c62fade9d045", "b54cd76d7036"),
        ("sk_test_", "r3m3mb3r2pu7", "0nasm1l3"),
        ("sk_test_", "c2267b5b", "262745f0"),
        ("sk_test_", "960bfde0VBrL", "lpK098e4ffeb53e1"),
    ],
)
def test_keys_that_vendors_publish_are_no_leaks(parts: tuple[str, ...]) -> None:
    sample = "".join(parts)
    assert found_in(f"stripe.api_key = '{sample}'".encode()) == []


def test_a_sample_is_matched_exactly_and_hides_no_key_with_a_like_beginning() -> None:
    key = "sk_test_" + "BQokikJO" + expand("${base62:16}", 5)
    assert [found for found, _, _ in found_in(key.encode())] == [key.encode()]


@given(
    words=st.lists(
        st.sampled_from(
            (
                "your",
                "secret",
                "key",
                "example",
                "replace",
                "insert",
                "here",
                "value",
                "token",
                "account",
                "customer",
            )
        ),
        min_size=4,
        max_size=8,
    ),
    separator=st.sampled_from(["_", "-", ""]),
    case=st.sampled_from([str.lower, str.upper, str.title]),
    prefix=st.sampled_from(PREFIXES),
)
@settings(max_examples=300, deadline=None)
def test_words_joined_in_any_way_are_no_key(
    words: list[str], separator: str, case: object, prefix: str
) -> None:
    body = separator.join(case(word) for word in words)  # type: ignore[operator]
    assert found_in(f"{prefix}{body}".encode()) == []


@given(
    block=st.text("abcdefghijkmnpqrstuvwxyzABCDEFGH0123456789", min_size=1, max_size=8),
    times=st.integers(3, 30),
)
@example(block="11102", times=3)
@settings(max_examples=300, deadline=None)
def test_a_block_that_repeats_is_no_body(block: str, times: int) -> None:
    body = block * max(times, -(-16 // len(block)))
    assert placeholder_reason(body[:250], rulebook().placeholders) is not None


@given(start=st.integers(0, 18), body=bodies())
@settings(max_examples=200, deadline=None)
def test_a_run_of_the_alphabet_anywhere_is_no_body(start: int, body: str) -> None:
    run = "abcdefghijklmnopqrstuvwxyz"[start : start + 8]
    middle = len(body) // 2
    assert placeholder_reason(body[:middle] + run + body[middle:], rulebook().placeholders) is not None


@pytest.mark.slow
def test_under_one_random_body_in_five_thousand_is_lost() -> None:
    """Seven alphabets, every length of 16 to 250 about a hundred times."""
    words = rulebook().placeholders
    lost: list[tuple[str, int, str]] = []
    for alphabet in ALPHABETS:
        lengths = random.Random(alphabet).choices(range(16, 251), k=BODIES)
        for seed, length in enumerate(lengths):
            reason = placeholder_reason(expand(f"${{{alphabet}:{length}}}", seed), words)
            if reason:
                lost.append((alphabet, length, reason))
    assert len(lost) * 5000 < BODIES * len(ALPHABETS), lost


@pytest.mark.parametrize(
    "template",
    [
        "${base62:16}",
        "${base62:24}",
        "${base62:42}",
        "${hex:32}",
        "${HEX:16}",
        "51${base62:97}",
        "${hex:8}${base62:8}${hex:12}",
    ],
)
def test_keys_of_usual_shapes_are_hardly_ever_lost(template: str) -> None:
    keys = (("sk_live_" + expand(template, seed)).encode() for seed in range(1500))
    lost = [key for key in keys if not matcher().match(key)]
    assert len(lost) <= 1


@pytest.mark.parametrize(
    "template",
    [
        "org_${base62:32}",
        "prod_${base62:40}",
        "user-${base62:43}",
        "v1_${hex:32}",
        "${hex:8}_${base62:32}",
        "workspace_${hex:64}",
    ],
)
def test_home_made_keys_with_a_word_before_a_random_part_are_keys(template: str) -> None:
    for seed in range(50):
        key = "sk_live_" + expand(template, seed)
        assert [found for found, _, _ in found_in(key.encode())] == [key.encode()]


@pytest.mark.parametrize(
    "template", ["workspace_${base64url:43}", "user_${base64url:32}", "customer-${base64url:64}"]
)
def test_a_random_part_may_hold_separators_of_its_own(template: str) -> None:
    """Programs that mint `sk_live_<prefix>_<secret>` mostly draw the secret with `token_urlsafe`."""
    keys = (("sk_live_" + expand(template, seed)).encode() for seed in range(500))
    assert sum(not matcher().match(key) for key in keys) <= 1


def test_a_key_beside_placeholders_is_found() -> None:
    key = expand("sk_live_${base62:42}", 3)
    content = "sk_live_" + f"your_key_goes_here {key} sk_live_" + "x" * 20
    assert [found for found, _, _ in found_in(content.encode())] == [key.encode()]


def test_four_letters_that_chance_drew_in_both_cases_hide_no_key() -> None:
    drawn = expand("${base62:20}asDF${base62:20}xXxX", 1)
    typed = expand("${base62:10}asdf${base62:10}", 1)
    words = rulebook().placeholders
    assert placeholder_reason(drawn, words) is None
    assert placeholder_reason(typed, words) is not None
