"""How a key is kept, judged by where it stands: what breaks which practice, why that matters, what to do.

Source: FLORA's page on authentication, "Security best practices"; the same holds for every issuer's keys.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

from keyleak.findings import Environment, Severity
from keyleak.on_use import on_use
from keyleak.records import dataclass, replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from keyleak.findings import Finding

ROTATION_DAYS: Final = 90

_WEB: Final = r"\.(?:[cm]?js|css|html?|json|map|txt|xml|svg|wasm)\Z"
_SHIPPED_PATH: Final = on_use(
    rf"(?:\A|/)(?:dist|build|out|public|static|www|wwwroot|htdocs|\.next|\.nuxt|\.output|assets)/.*{_WEB}"
    r"|\.(?:min|bundle|chunk)\.[cm]?js\Z|\.(?:[cm]?js|css)\.map\Z|\.html?\Z|\.(?:vue|svelte)\Z"
    r"|\.(?:apk|aab|ipa|dart|swift)\Z|(?:\A|/)(?:res/values[^/]*/|AndroidManifest\.xml|Info\.plist)"
    r"|(?:\A|/)android/.*\.(?:kt|java|xml|properties)\Z|(?:\A|/)ios/.*\.(?:m|mm|h|plist|xcconfig)\Z",
    re.IGNORECASE,
)
_SHIPPED_NAME: Final = on_use(
    r"\b(?:NEXT_PUBLIC|NUXT_PUBLIC|VITE|REACT_APP|EXPO_PUBLIC|VUE_APP|GATSBY|STORYBOOK|NG_APP)_[A-Z]"
)
_AGENT: Final = on_use(
    r"(?:\A|/)(?:\.?mcp\.json|\.claude\.json|claude_desktop_config\.json|(?:cline_)?mcp_(?:settings|config)\.json"
    r"|\.(?:cursor|codex|claude|windsurf|gemini|continue|roo|zed|kiro)/[^/]+\.(?:json|toml|ya?ml))\Z",
    re.IGNORECASE,
)
_CODE: Final = on_use(
    r"\.(?:py|[cm]?[jt]sx?|go|rb|php|java|kts?|swift|cs|fs|vb|rs|sh|bash|zsh|ps1|cc?|cpp|hh?|scala|dart|exs?|lua"
    r"|p[lm]|r|groovy|clj|hs|ipynb|vue|svelte)\Z",
    re.IGNORECASE,
)
# The folders that monorepos keep their projects in, and FLORA's ids of workspaces and projects.
_PROJECT: Final = re.compile(r"(?:\A|(?<=/))(apps|packages|projects|workspaces)/([^/]+)/")
_ID: Final = re.compile(r"\b(ws|prj)_([A-Za-z0-9]{4,})\b")
_NEAR: Final = 3
_WORD: Final = on_use(r"[a-z]+")
_PRODUCTION: Final = frozenset({"prod", "production", "prd", "live"})
_OTHER: Final = frozenset(
    {"staging", "stage", "stg", "preprod", "uat", "qa", "dev", "development", "sandbox"}
)
_TEST: Final = frozenset({"test", "tests", "testing", "spec", "specs", "fixtures", "ci", "e2e", "cypress"})


class Practice(Enum):
    """A practice that a key breaks, as the report's `exposure` names it."""

    CLIENT_SIDE = "client-side"
    MCP_CONFIG = "mcp-config"
    HARD_CODED = "hard-coded"
    BOTH_ENVIRONMENTS = "both-environments"
    TWO_PROJECTS = "two-projects"
    OLD = "older-than"
    LIVE_IN_TEST = "live-in-test"
    TEST_IN_PRODUCTION = "test-in-production"


@dataclass(frozen=True, slots=True)
class Advice:
    """Why a practice matters and how to follow it."""

    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{self.reason}. {self.fix}"


ADVICE: Final = {
    Practice.CLIENT_SIDE: Advice(
        "it stands in code that ships to users, so everybody who loads it has the key",
        "Call the API from a server of yours, and let the client call that.",
    ),
    Practice.MCP_CONFIG: Advice(
        "it stands in an agent's configuration, which tools read, log and synchronise",
        "Let the agent sign in (OAuth) or name an environment variable in the configuration.",
    ),
    Practice.HARD_CODED: Advice(
        "it stands in source code, so it goes wherever the code goes",
        "Read it from the environment or a secrets manager.",
    ),
    Practice.BOTH_ENVIRONMENTS: Advice(
        "production and another environment share it, so the weaker one opens both",
        "Give production a workspace and a key of its own.",
    ),
    Practice.TWO_PROJECTS: Advice(
        "several workspaces or projects share it, so a leak of one opens all",
        "Give each workspace and each project a key of its own.",
    ),
    Practice.OLD: Advice(
        "it is older than the rotation policy allows",
        "Rotate it, and plan the next rotation.",
    ),
    Practice.LIVE_IN_TEST: Advice(
        "a live key stands in test settings, so every test run can touch production",
        "Use a test key, or a stand-in for the service.",
    ),
    Practice.TEST_IN_PRODUCTION: Advice(
        "a test key stands in production settings, so production may run against a sandbox",
        "Put production's own key into its secrets manager.",
    ),
}


def with_practices(findings: Iterable[Finding], *, rotation_days: int = ROTATION_DAYS) -> list[Finding]:
    """The findings with what they break in `exposure`; a key that ships to users is critical.

    Args:
        findings: with their age, where it is known.
        rotation_days: how old a key may be.
    """
    return [_judged(finding, rotation_days) for finding in findings]


def advice(exposure: str) -> Advice | None:
    """What there is to say of a value of `exposure`; None for one that is not ours."""
    for practice, words in ADVICE.items():
        if exposure == practice.value or (practice is Practice.OLD and exposure.startswith(practice.value)):
            return words
    return None


def _judged(finding: Finding, rotation_days: int) -> Finding:
    if finding.severity is Severity.NOTE:
        return finding
    broken = list(_broken(finding))
    if finding.age_days is not None and finding.age_days > rotation_days:
        broken.append(f"{Practice.OLD.value}-{rotation_days}-days")
    judged = replace(finding, exposure=tuple(dict.fromkeys([*finding.exposure, *broken])))
    if Practice.CLIENT_SIDE.value in broken and finding.severity is not Severity.CRITICAL:
        return replace(judged, severity=Severity.CRITICAL, reason=ADVICE[Practice.CLIENT_SIDE].reason)
    return judged


def _broken(finding: Finding) -> Iterator[str]:
    paths = [place.path for place in finding.locations if place.path]
    if any(_SHIPPED_PATH.search(path) for path in paths) or _named_for_clients(finding.excerpts):
        yield Practice.CLIENT_SIDE.value
    if any(_AGENT.search(path) for path in paths):
        yield Practice.MCP_CONFIG.value
    if any(_CODE.search(path) for path in paths):
        yield Practice.HARD_CODED.value
    words = [frozenset(_WORD.findall(_near(path))) for path in paths]
    in_production = any(each & _PRODUCTION for each in words)
    if in_production and any(each & _OTHER and not each & _PRODUCTION for each in words):
        yield Practice.BOTH_ENVIRONMENTS.value
    if _several(_PROJECT.findall(path) for path in paths) or _several(
        _ID.findall(line) for line in (*paths, *finding.excerpts)
    ):
        yield Practice.TWO_PROJECTS.value
    if finding.environment is Environment.LIVE and any(each & _TEST for each in words):
        yield Practice.LIVE_IN_TEST.value
    if finding.environment is Environment.TEST and in_production:
        yield Practice.TEST_IN_PRODUCTION.value


def _near(path: str) -> str:
    """The last parts of a path: what stands above a project says nothing of it."""
    return "/".join(path.lower().split("/")[-_NEAR:])


def _several(places: Iterable[Sequence[tuple[str, str]]]) -> bool:
    """Whether two places have different names of one kind; each place counts with its last of a kind."""
    named = {pair for place in places for pair in dict(place).items()}
    return len(named) > len({kind for kind, _ in named})


def _named_for_clients(excerpts: Sequence[str]) -> bool:
    return any(_SHIPPED_NAME.search(excerpt) for excerpt in excerpts)
