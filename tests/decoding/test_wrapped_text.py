"""Encoded text that something wrapped: a line may break anywhere, at any width, behind any sign of a line."""

from __future__ import annotations

import base64
import gzip
import random
import textwrap

import pytest

from keyleak.findings import LocationKind
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import Inspection, Inspector, Place

INSPECTOR = Inspector(load_rulebook())
PLACE = Place(LocationKind.FILE, "f")
WIDTHS = (10, 16, 20, 32, 57, 60, 61, 64, 70, 76, 77, 100)
# What stands before each line, and how it ends.
LINES = {
    "plain": ("", "\n"), "CRLF": ("", "\r\n"), "indented": ("    ", "\n"), "a tab": ("\t", "\n"),
    "a quotation": ("> ", "\n"), "quoted twice": ("> > ", "\r\n"), "a comment": ("# ", "\n"),
    "added": ("+", "\n"), "taken": ("-", "\n"), "added and indented": ("+    ", "\n"),
}  # fmt: skip


def inspect(content: str) -> Inspection:
    return INSPECTOR.inspect(content.encode(), PLACE)


def found(content: str) -> set[str]:
    return {each.secret.reveal().decode() for each in inspect(content).sightings}


def wrapped(data: bytes, width: int, before: str, ending: str) -> str:
    """Base64 in lines, in a block of a document or of a patch."""
    sign = before[:1] if before[:1] in {"+", "-"} else ""
    lines = textwrap.wrap(base64.b64encode(data).decode(), width, break_on_hyphens=False)
    return (
        f"{sign}data: |{ending}"
        + "".join(f"{before}{line}{ending}" for line in lines)
        + f"{sign}other: 1{ending}"
    )


@pytest.mark.parametrize("form", LINES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_line_may_break_anywhere_in_a_prefix_and_a_key(width: int, form: str) -> None:
    for lead in range(36, 36 + 22):
        key = expand("sk_live_${base62:42}", lead + width)
        text = "a" * lead + f"\nSTRIPE_SECRET_KEY={key}\nand the rest of it, a line or two\n"
        assert key in found(wrapped(text.encode(), width, *LINES[form])), lead


@pytest.mark.parametrize("form", LINES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_key_that_is_encoded_alone_is_whole(width: int, form: str) -> None:
    for seed in range(8):
        key = expand("sk_test_${base62:42}", seed)
        assert found(wrapped(f"{key}\n".encode(), width, *LINES[form])) == {key}


@pytest.mark.parametrize("form", LINES)
@pytest.mark.parametrize("width", [60, 61, 76])
def test_a_document_goes_on_in_lines_that_begin_with_a_sign_of_its_alphabet(width: int, form: str) -> None:
    before, ending = LINES[form]
    signs = 0
    for seed in range(60):
        chance = random.Random(seed)
        key = expand("sk_live_${base62:24}", seed)
        packed = gzip.compress(chance.randbytes(300) + f"\nSTRIPE_SECRET_KEY={key}\n".encode(), mtime=0)
        content = wrapped(packed, width, before, ending)
        signs += any(line.removeprefix(before)[:1] in {"+", "/"} for line in content.split(ending))
        inspection = inspect(content)
        assert key in {each.secret.reveal().decode() for each in inspection.sightings}
        assert inspection.gaps == ()
    assert signs > 5


def test_values_one_below_the_other_are_no_lines_of_one() -> None:
    keys = [expand("sk_live_${base62:42}", seed) for seed in range(4)]
    encoded = [base64.b64encode(key.encode()).decode() for key in keys]
    assert found("\n".join(encoded) + "\n") == set(keys)
    assert found("".join(f"A={each}\n" for each in encoded)) == set(keys)
    assert found("".join(f"  - {each}\n" for each in encoded)) == set(keys)


def test_strings_that_are_joined_still_go_on() -> None:
    key = expand("sk_live_${base62:42}", 9)
    packed = base64.b64encode(
        gzip.compress(f"STRIPE_SECRET_KEY={key}\n".encode() + random.Random(1).randbytes(90), mtime=0)
    )
    lines = textwrap.wrap(packed.decode(), 60, break_on_hyphens=False)
    for joint in ("' +\n    '", "'\n    + '", "'\n    '", "' .\n    '", "\\\n"):
        assert key in found("x = '" + joint.join(lines) + "'\n"), joint
