"""What a project depends on: it confirms and points, and it never names the wrong issuer."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

import keyleak
from keyleak.findings import Attribution, AttributionVerdict, Confidence
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.verification.eligibility import Eligibility, Refusal
from repositories import git, new_repository

if TYPE_CHECKING:
    from pathlib import Path

    from keyleak.findings import Finding

CLERK = "sk_live_${base62:42}"
SHORT = "sk_test_${base62:24}"
PAYSTACK = "sk_live_${hex:40}"
PLAIN = "sk_live_${base62:48}"


def npm(*packages: str, development: tuple[str, ...] = ()) -> str:
    return json.dumps(
        {"dependencies": dict.fromkeys(packages, "1"), "devDependencies": dict.fromkeys(development, "1")}
    )


def scanned(folder: Path, files: dict[str, str]) -> list[Finding]:
    """What a scan of a work tree finds."""
    (folder / ".git").mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(expand(content, 3))
    result = keyleak.scan_paths([folder])
    assert result.coverage.complete
    return list(result.findings)


def whose(folder: Path, files: dict[str, str]) -> Attribution:
    (finding,) = scanned(folder, files)
    return finding.attribution


def candidates(attribution: Attribution) -> list[str]:
    return [each.issuer for each in attribution.candidates]


def test_a_strong_body_and_the_one_service_it_fits_are_enough_for_a_report(tmp_path: Path) -> None:
    found = whose(tmp_path, {"src/a.js": f"k = '{PAYSTACK}'", "package.json": npm("paystack-node", "react")})
    assert (found.issuer, found.confidence) == ("paystack", Confidence.LOW)
    assert "package.json depends on 'paystack-node' (Paystack)" in found.evidence


def test_what_only_a_project_says_is_never_sent(tmp_path: Path) -> None:
    files = {"src/a.js": f"k = '{PAYSTACK}'", "package.json": npm("paystack-node")}
    (finding,) = scanned(tmp_path, files)
    refusal = Eligibility(load_rulebook()).issuer_to_ask(finding)
    assert isinstance(refusal, Refusal)
    assert "only what the project depends on" in refusal.reason


@pytest.mark.parametrize(
    ("key", "manifest", "expected"),
    [
        (CLERK, npm("@clerk/backend"), ["clerk"]),
        (SHORT, npm("stripe"), ["stripe"]),
        ("sk_test_${base62:34}", npm("stripe", "@clerk/backend"), ["clerk", "stripe"]),
        (SHORT, npm("stripe", "paymongo"), ["paymongo", "stripe"]),
        (PAYSTACK, npm("paystack-node", "@flora-ai/flora"), ["flora", "paystack"]),
        (PAYSTACK, npm(development=("paystack-node",)), ["paystack"]),
        (CLERK, npm("react", development=("@clerk/testing",)), ["clerk"]),
        (PLAIN, npm("@flora-ai/flora"), ["flora"]),
    ],
)
def test_a_weak_body_or_several_services_leave_candidates(
    tmp_path: Path, key: str, manifest: str, expected: list[str]
) -> None:
    found = whose(tmp_path, {"a.js": f"k = '{key}'", "package.json": manifest})
    assert (found.verdict, candidates(found)) == (AttributionVerdict.AMBIGUOUS, expected)


def test_the_report_says_which_manifest_said_it(tmp_path: Path) -> None:
    found = whose(tmp_path, {"a.js": f"k = '{CLERK}'", "package.json": npm("@clerk/backend")})
    assert found.candidates[0].evidence == ("package.json depends on '@clerk/backend' (Clerk)",)


@pytest.mark.parametrize(
    ("name", "manifest"),
    [
        ("package.json", npm("tap", "flora", "magic", "knock", "alma", "bunce")),
        ("package.json", npm("stripe-clone", "my-clerk", "@acme/stripe", "@acme/clerk")),
        ("package.json", json.dumps({"name": "clerk", "dependencies": {"clerk": "file:../clerk"}})),
        ("package-lock.json", json.dumps({"packages": {"node_modules/@clerk/backend": {}}})),
        ("requirements.txt", "flora_mcp\nclerkenwell\n# clerk-backend-api\n"),
        ("node_modules/x/package.json", npm("@clerk/backend")),
    ],
)
def test_namesakes_lock_files_and_local_packages_say_nothing(
    tmp_path: Path, name: str, manifest: str
) -> None:
    found = whose(tmp_path, {"a.js": f"k = '{CLERK}'", name: manifest})
    assert found.verdict is AttributionVerdict.UNKNOWN


def test_a_sibling_and_what_is_above_the_nearest_manifest_say_nothing(tmp_path: Path) -> None:
    files = {
        "package.json": npm("paystack-node"),
        "packages/a/package.json": npm("react"),
        "packages/b/package.json": npm("@clerk/backend", "paystack-node"),
        "packages/a/src/a.js": f"k = '{PAYSTACK}'",
    }
    assert candidates(whose(tmp_path, files)) == ["paystack"]
    assert whose(tmp_path, files).verdict is AttributionVerdict.AMBIGUOUS


def test_manifests_of_two_languages_in_one_folder_count_together(tmp_path: Path) -> None:
    files = {"package.json": npm("stripe"), "requirements.txt": "paystackapi\nkorapay\n"}
    found = whose(tmp_path, {"a.py": f"k = '{SHORT}'", **files})
    assert candidates(found) == ["stripe"]
    found = whose(tmp_path, {"a.py": f"k = '{PAYSTACK}'", **files})
    assert candidates(found) == ["korapay", "paystack"]


@pytest.mark.parametrize(
    "line",
    [
        f"MOONPAY_SECRET_KEY={PAYSTACK}",
        f"curl https://api.korapay.com -H 'Authorization: Bearer {PAYSTACK}'",
        f"ACME_KEY={PAYSTACK}",
        f"MOYASAR_URL=https://api.moyasar.com\nKEY={PAYSTACK}",
    ],
)
def test_nearer_evidence_wins_over_the_manifest(tmp_path: Path, line: str) -> None:
    assert whose(tmp_path, {"a.env": line, "package.json": npm("paystack-node")}).issuer != "paystack"


def test_floras_package_confirms_a_call_of_its_client(tmp_path: Path) -> None:
    call = f"const flora = new Flora({{ apiKey: '{PLAIN}' }})"
    assert whose(tmp_path, {"src/a.ts": call, "package.json": npm("@flora-ai/flora")}).issuer == "flora"
    for namesake in (npm("flora"), npm("@flora/client"), npm("flora-mcp-server"), npm("stripe")):
        assert whose(tmp_path, {"src/a.ts": call, "package.json": namesake}).issuer is None


def test_a_go_module_counts_with_its_owner_and_any_version(tmp_path: Path) -> None:
    module = "module x\nrequire {} v2.0.0\n"
    call = f'client := flora.NewClient(option.WithAPIKey("{PLAIN}"))'
    official = module.format("github.com/florafauna-ai/flora-go/v2")
    assert whose(tmp_path, {"a.go": call, "go.mod": official}).issuer == "flora"
    assert whose(tmp_path, {"a.go": call, "go.mod": module.format("github.com/acme/flora-go")}).issuer is None
    stripe = module.format("github.com/stripe/stripe-go/v76")
    assert candidates(whose(tmp_path, {"a.go": f'k := "{SHORT}"', "go.mod": stripe})) == ["stripe"]


@pytest.mark.parametrize("name", ["clerk-demo", "clerk", "my_clerk"])
def test_the_name_of_a_repository_only_points(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    found = whose(tmp_path / name, {"a.js": f"k = '{CLERK}'"})
    assert (found.verdict, candidates(found)) == (AttributionVerdict.AMBIGUOUS, ["clerk"])


@pytest.mark.parametrize("name", ["flora", "clerks", "tap", "magic-stripes"])
def test_ordinary_words_in_the_name_of_a_repository_say_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert whose(tmp_path / name, {"a.js": f"k = '{CLERK}'"}).verdict is AttributionVerdict.UNKNOWN


def test_the_address_of_the_origin_names_the_repository(tmp_path: Path) -> None:
    new_repository(tmp_path)
    git(tmp_path, "remote", "add", "origin", "git@github.com:stripe/stripe-node.git")
    found = whose(tmp_path, {"test/a.js": f"k = '{SHORT}'", "package.json": json.dumps({"name": "stripe"})})
    assert (found.verdict, candidates(found)) == (AttributionVerdict.AMBIGUOUS, ["stripe"])


def test_without_a_work_tree_manifests_count_up_to_what_was_named(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(npm("paystack-node"))
    (tmp_path / "app" / "src").mkdir(parents=True)
    (tmp_path / "app" / "src" / "a.js").write_text(expand(f"k = '{PAYSTACK}'", 3))
    assert keyleak.scan_paths([tmp_path]).findings[0].issuer == "paystack"
    for root in (tmp_path / "app", tmp_path / "app" / "src" / "a.js"):
        assert keyleak.scan_paths([root]).findings[0].issuer is None


def test_what_an_archive_holds_is_of_another_project(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.js", expand(f"k = '{PAYSTACK}'", 3))
    assert whose(tmp_path, {"package.json": npm("paystack-node")}).issuer is None


def broken(folder: Path) -> None:
    (folder / "package.json").write_text("{" + npm("paystack-node"))


def huge(folder: Path) -> None:
    (folder / "package.json").write_text(npm("paystack-node") + " " * (2 << 20))


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "package.json")


def link_out(folder: Path) -> None:
    (folder.parent / "elsewhere.json").write_text(npm("paystack-node"))
    (folder / "package.json").symlink_to("../elsewhere.json")


def directory(folder: Path) -> None:
    (folder / "package.json").mkdir()


def deep(folder: Path) -> None:
    (folder / "package.json").write_text("[" * 100_000)


def beside_a_broken_one(folder: Path) -> None:
    (folder / "package.json").write_text(npm("paystack-node"))
    (folder / "pyproject.toml").write_text("[project\n")


def very_many(folder: Path) -> None:
    for number in range(60):
        (folder / f"requirements-{number}.txt").write_text("paystackapi\n")


@pytest.mark.parametrize(
    "make", [broken, huge, pipe, link_out, directory, deep, beside_a_broken_one, very_many]
)
def test_a_manifest_that_cannot_be_read_decides_nothing_and_stops_nothing(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "shop"
    folder.mkdir()
    make(folder)
    found = whose(folder, {"a.js": f"k = '{PAYSTACK}'"})
    assert (found.verdict, candidates(found)) == (AttributionVerdict.AMBIGUOUS, ["paystack"])


def test_the_same_key_in_two_projects_is_given_to_neither_by_them(tmp_path: Path) -> None:
    files = {
        "a/package.json": npm("paystack-node"),
        "a/a.js": f"k = '{PAYSTACK}'",
        "b/package.json": npm("@clerk/backend"),
        "b/b.js": f"k = '{PAYSTACK}'",
    }
    found = whose(tmp_path, files)
    assert (found.verdict, candidates(found)) == (AttributionVerdict.AMBIGUOUS, ["clerk", "paystack"])


@pytest.mark.parametrize(
    "line",
    [
        "STRIPE_WEBHOOK_SECRET=whsec_${base62:32}",
        "id = 'ak_${base62:32}'",
        "SECRET=whsec_${base62:32}",
        "key = 'sk_prod_${base62:32}'",
        "key = 'sk_sandbox_${base62:32}'",
    ],
)
def test_a_project_is_no_ground_for_what_others_use_too(tmp_path: Path, line: str) -> None:
    manifest = npm("@flora-ai/flora", "@liveblocks/node", "fedapay")
    assert scanned(tmp_path / "a", {"a.env": line, "package.json": manifest}) == []
    assert scanned(tmp_path / "b", {"a.env": line}) == []


def test_what_a_file_says_of_a_namesake_outweighs_the_project(tmp_path: Path) -> None:
    content = f"FLORA_BASE_URL=https://api.flora-plants.org\nFLORA_API_KEY={PLAIN}"
    found = whose(tmp_path, {"a.env": content, "package.json": npm("@flora-ai/flora")})
    assert found.issuer != "flora"
    workos = "sk_live_${base64:key_01${crockford:24},${base62:25}}"
    content = f"const highnote = 'https://api.us.highnote.com'\n\n\n\n\nconst k = '{workos}'"
    assert whose(tmp_path, {"a.env": "", "b.js": content}).issuer != "workos"
    assert (
        whose(tmp_path, {"a.env": "", "b.js": content, "package.json": npm("@workos-inc/node")}).issuer
        != "workos"
    )
