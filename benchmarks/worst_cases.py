r"""CPU seconds per megabyte of content that is made to be slow, the worst first, then plain source.

    python benchmarks/worst_cases.py [--sizes 4096,16384,262144,1048576] [--only WORD] [--top 40]

A case is a unit repeated up to a size: the beginning of an anchor, half a key, a quote, a sign of
an encoding, the call that decodes, whole different keys; or a mixture of several. Each is inspected
in this process by the rules that a scan uses, and a case that takes longer than `--limit` seconds
is stopped and listed as `over`. `starts` are starts of `python -c pass` on the same machine, so
that figures of different machines compare; `work` is what the budget counted, in bytes examined for
each byte of the content.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import random
import signal
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from measuring import measure

from keyleak.decoding.anchors import encoded_anchors
from keyleak.findings import LocationKind
from keyleak.matching.anchors import anchors_of
from keyleak.matching.budget import Budget
from keyleak.rulebook.loader import load_rulebook
from keyleak.rulebook.template import expand
from keyleak.sources.inspector import Inspector, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.rulebook.model import Rulebook

PLACE = Place(LocationKind.FILE, "case")
LEAST = 0.05
MOST_ROUNDS = 16
SIZES = (4 << 10, 16 << 10, 256 << 10, 1 << 20)
UNITS = (
    # Half keys, quotes and signs that put strings together.
    '"sk"', '"sk",', '"sk"+', '"sk" ', '"sk_"', '"sk_l"', '"sk_l"+', '"sk_live"', '"sk_live_"',
    '"sk_live_"+', '"sk_live_"+"a"+', '"sk_live_","a",', '"sk_live_" "a" ', '"rk_t"', '"rk_test_"+x+',
    "'sk_'.", "`sk_`", '"sk_"+"a"+', 'P="sk_live_"\n', 'a="sk_live_";', 'a="sk_live_"+a;', 'a+="sk_live_";',
    'x = "sk_live_" + x\n', "sk_live_", "sk_live_ ", "sk_live_\n", "sk_live_a", "sk_live_${a}",
    "sk_live_{a}", "sk_live_%s", "sk_live_$a ", "sk_live_</b><b>", "sk_live_ab</b><b>", "sk_live_abcd\n# ",
    "sk_live_ab12\n", "sk_live_aB3dE5gH7\n", "sk_test_a1B2c3D4e5F6g7H8 ", "sk_\\\n", "sk_%s", "sk_{}",
    "sk_{0}", 'f"sk_{a}"', 'f"{a}sk_live_"', '["sk","live",', '["sk_live_","a"].join("")',
    '"".join(["sk_live_","a"])', 'format("sk_%s","a")', 'printf("sk_live_%s%s","a",', "printf sk_%s a ",
    'join("_",["sk","live"', "(sk_live_", "[sk_live_", "{sk_live_", '{"sk_live_":', "<a>sk_live_",
    "a:\n  - sk_live_", "sk_live_a\\\n", "sk_live_a=\n", "sk_live_a%2D", "sk_live_a\\x2d", "sk_live_a&#45;",
    "sk_live_a\\_", "whsec_", "rk_live_", "pk_live_", "ak_", "sk_", "sk_prod_", "concat('sk_live_',",
    "sk_live_.concat(", 'b.append("sk_live_");', 'key+="sk_live_";', "sk_live_:", "'sk''_live_'",
    # Names, calls and hosts of the issuer whose keys are found by them.
    "flora(", "Flora(", "FLORA_API_KEY=", "FLORA_API_KEY ", "FLORA_API_KEY\n", "flora_api_key: ", "flora",
    "FLORA", "flora.ai ", "flora.ai\n", "new Flora({apiKey:", "FLORA_API_KEY=abcdefghijklmnop ", "flora:",
    "FLORA_API_KEY=${FLORA_API_KEY:-", "<flora>", "flora-key: a1b2c3d4e5f6g7h8\n", "app.flora.ai token ",
    'flora("a1b2c3d4e5f6g7h8i9");', "from flora import Flora\n", "--api-key flora ",
    # Encoded beginnings.
    " eJz", ' "eJw', "'eJx", "=eJy", " 789c", '"789c', "H4sI", '"H4sI', "H4sI\n", "H4sIAAAA", "UEsDB",
    '"UEsDB",', "/Td6", "QlpoO", "KLUv/", "SDRzSU", "SDRzSU\n", "XQAAg", "1f8b08", "504b0304",
    '"rXHUwMDVmdGV\u2026",', '"rXHUwMDVmdGV",', '"JTZCJTVG"+', '"JTZCJTVG",', "JTZCJTVG\n", '"\\\\x72k_",',
    '"\\x72k_",', "\\x72k_", "c2tf", "c2tfbGl2", "c2tfbGl2ZV", '"c2tfbGl2ZV",', '"c2tfbGl2ZV"+',
    "c2tfbGl2ZV9h ", "tfbGl2ZV", "a19saXZl", "c2tfbGl2ZV9h" * 6+"AAAA\n", 'atob("c2tfbGl2ZV9h',
    '"c2tfbGl2ZV9h"+', "c2tfbGl2ZV9h\n  ", "c2tfbGl2ZV9h\\n", "k%5Flive", "%256B%255F", "%6b%5f",
    "%73%6B%5F%6C", "%25%36%42", "\\x6b\\x5f\\x6c", "\\u006b\\u005f\\u006c", "\\u005c", "\\u005cu006b",
    "\\" * 99+"\\u006b_", "\\\\u006b\\\\u005f", "\\153\\137\\154", "\\u{6b}\\u{5f}", "&#107;&#95;&#108;",
    "&#38;#107;&#95;", "&amp;#107;&amp;#95;", "k&lowbar;live", "=6B=5F=6C", "k=5Flive", "sk_li=\n",
    "6b5f6c69", "6b5f6c69\n", "6b 5f 6c\n", "6b 5f 6c 69 ", "107, 95, 108;", "107, 95, 108, ",
    "0x6b, 0x5f, 0x6c, ", "'k','_','l',", "'k', '_', 'l', 'i', ", "WTJ0Zg", "YzJ0Zg", "Yzgw", "NzM2YjVm",
    "RkxPUkFfQVBJ", "k\\u005flive\\u005f", "sk\\u005flive\\u005fab ", "\\x73k_live_", "%73k_live_",
    "&#115;k_live_",
    # Containers, notebooks, lines.
    "PK\x03\x04", "PK\x05\x06", "ustar", "\x1f\x8b\x08", "%PDF-1.4\n1 0 obj stream\n", "SQLite format 3\0",
    '{"cells":[', '"source":["sk_live_', "\n", " ", '"', "'", "(", "{", "[", "\\", "%", "&", "=", "+", "a",
    "\0", "s\0k\0_\0l\0i\0v\0e\0_\0", "f\0l\0o\0r\0a\0", "s\0k\0_\0l\0i\0v\0e\0_\0a\x001\0", "key = ",
    "# sk_live_\n",
)  # fmt: skip
MIXED = (
    ('"sk"', "flora("), ('"sk_l"', '"rk_t"', "sk_live_"), (" eJz", " 789c", "H4sI"),
    ("flora(", "sk_live_", "c2tf"), ('"sk_live_"+', "P="), ("FLORA_API_KEY=", '"sk_live_"+"a"+'),
    ("c2tfbGl2ZV9h", "\n"), ("c2tfbGl2ZV9h", "%5F"), ('"rXHUwMDVmdGV",', '"JTZCJTVG"+'),
    ("\\x72k_", "%6b%5f"), ("flora", "\n\n"), ("(", "flora"), ("{", "sk_live_"), ('"', "sk_live_"),
    ("'", '"sk"'), ("`", '"sk_"'), ("&#107;", "\\x6b"), ("6b5f6c69", '"', "+"), ("H4sI", '"+"'),
    ("flora.ai", " token=a1b2c3d4e5f6g7h8 "), ("=", "sk_live_a"), ("sk_live_", "\\n"), ("UEsDB", "\n"),
    ("107, 95, 108, ", "6b 5f 6c "), ("x=", '"sk_live_"', "+x\n"), ("sk_live_", "<i>", "</i>"),
    ("c2tf", "H4sI", "6b5f"), ("flora(", "eJz", '"'), ("FLORA", "c2tfbGl2ZV9h"),
    ("s\0k\0_\0l\0i\0v\0e\0_\0", "flora"), ("sk_live_%s", "%", "("), ("[", '"sk"', ","),
    ("{}", '"sk_{}"', ".format("), ("\\u005c", "u006b", "\\"), ("JTZC", "%6b", "JTVG"),
    ("a=", "b=", '"sk_"+b'), (".concat(", '"sk_live_"'), ("sk_test_", "rk_live_", "whsec_"),
    ("flora", "sk_live_aB3dE5gH7", "\n"), ("WTJ0Zg", "c2tf", "NzM2"), ("<flora>", '"sk"', "</flora>"),
    ("# flora\n", "x = 'sk_'\n"), ("c2tfbGl2ZV9h", " ", "c2tfdGVzdF9h", '"'),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A content to inspect."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Cost:
    """What a case took."""

    case: Case
    cpu: float
    work: int
    gaps: int
    is_over: bool

    @property
    def per_megabyte(self) -> float:
        """CPU seconds for a megabyte of it."""
        return self.cpu / len(self.case.content) * 1e6


class _OverError(Exception):
    pass


def main() -> None:
    """Measure and print."""
    options = _options()
    rulebook = load_rulebook()
    inspector = Inspector(rulebook)
    start = statistics.median(measure([sys.executable, "-c", "pass"]).cpu for _ in range(9))
    signal.signal(signal.SIGVTALRM, _stop)
    inspector.inspect(expand("K = 'sk_live_${base62:42}'", 1).encode(), PLACE)
    sizes = [int(size) for size in options.sizes.split(",")]
    cases = [
        case for case in _cases(rulebook, sizes, every=options.every_anchor) if options.only in case.name
    ]
    costs = [_cost(inspector, case, options.limit) for case in cases]
    costs.sort(key=lambda cost: -cost.per_megabyte)
    print(f"{len(cases)} cases, a start of Python is {start * 1000:.0f} ms of CPU\n")
    print("| case | CPU s / MB | starts / MB | work / byte | gaps |\n|---|---|---|---|---|")
    for cost in costs[: options.top]:
        print(_row(cost, start))
    for name, content in _plain_contents():
        print(_row(_cost(inspector, Case(name, content), options.limit), start))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--top", type=int, default=60, help="rows to print")
    parser.add_argument("--limit", type=float, default=20, help="CPU seconds after which a case is stopped")
    parser.add_argument(
        "--every-anchor", action="store_true", help="each literal that is searched for as well"
    )
    return parser.parse_args()


def _row(cost: Cost, start: float) -> str:
    over = "over " if cost.is_over else ""
    name = cost.case.name.replace("|", "\\|").replace("`", "'")
    return (
        f"| {name} | {over}{cost.per_megabyte:.2f} | {cost.per_megabyte / start:.0f} "
        f"| {cost.work / max(1, len(cost.case.content)):.1f} | {cost.gaps} |"
    )


def _cost(inspector: Inspector, case: Case, limit: float) -> Cost:
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    before = time.process_time()
    inspection, rounds, budget = None, 0, Budget(0)
    try:
        # The clock is coarse, and a small content is done before it moves.
        while not rounds or (rounds < MOST_ROUNDS and time.process_time() - before < LEAST):
            budget = Budget(len(case.content))
            inspection = inspector.inspect_within(case.content, PLACE, budget)
            rounds += 1
    except _OverError:
        pass
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    cpu = (time.process_time() - before) / max(1, rounds)
    if inspection is None:
        return Cost(case, cpu, budget.spent, 0, is_over=True)
    return Cost(case, cpu, budget.spent, len(inspection.gaps), is_over=False)


def _stop(*_: object) -> NoReturn:
    raise _OverError


def _cases(rulebook: Rulebook, sizes: list[int], *, every: bool) -> Iterator[Case]:
    named = [(repr(unit[:40])[1:-1], unit.encode()) for unit in UNITS]
    named += [(" ".join(repr(part)[1:-1] for part in mixed), _mixture(mixed)) for mixed in MIXED]
    if every:
        named += [(repr(literal)[2:-1], literal) for literal in _literals(rulebook)]
    for (name, unit), size in itertools.product(named, sizes):
        repeated = (unit * (size // len(unit) + 1))[:size]
        yield Case(f"{name} x {size >> 10} KiB", repeated)
    for size in sizes:
        for name, content in _of_keys(size):
            yield Case(f"{name}, {size >> 10} KiB", content)


def _mixture(parts: tuple[str, ...]) -> bytes:
    """Parts in an order that chance gives, the same in each run."""
    chance = random.Random(",".join(parts))
    return b"".join(chance.choice(parts).encode() for _ in range(200))


def _literals(rulebook: Rulebook) -> Iterator[bytes]:
    for anchor in anchors_of(rulebook):
        yield anchor.literal
        yield anchor.literal + b" "
    for encoded in encoded_anchors(
        {"sk_live_", "sk_test_", "rk_live_", "rk_test_"}, {"ak_"}, {"FLORA_API_KEY"}
    ):
        yield encoded.literal
        yield encoded.literal + b'",'
        yield b'"' + encoded.literal + b'"+'


def _of_keys(size: int) -> Iterator[tuple[str, bytes]]:
    """Contents of hardly anything but different keys, one each line, or one again and again."""
    forms = {
        "keys only": "%s\n",
        "keys given to a name": "FLORA_API_KEY=%s\n",
        "keys in JSON": '{"a": "%s"},',
        "keys on one line": "%s ",
        "keys in calls": 'c = Flora(api_key="%s")\n',
    }
    short = [expand("sk_test_${base62:24}", seed) for seed in range(size // 33 + 1)]
    for name, form in forms.items():
        yield name, "".join(form % key for key in short)[:size].encode()
    yield "one key, again and again", "".join(f"k = '{short[0]}'\n" for _ in short)[:size].encode()
    wide = "\n".join(short).encode("utf-16-le")
    yield "keys in UTF-16", wide[:size]
    encoded = (base64.b64encode(key.encode()) + b"\n" for key in short)
    yield "keys in base64", b"".join(encoded)[:size]


def _plain_contents() -> Iterator[tuple[str, bytes]]:
    """Source code as it is: the modules of Python's own library, one behind the other."""
    folder = Path(random.__file__).parent
    source = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    yield f"plain source, {len(source) >> 10} KiB", source


if __name__ == "__main__":
    main()
