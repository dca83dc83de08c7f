"""Options of `keyleak hook`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click

from keyleak.cli.options import EXIT_CODES, RULES_OPTION, with_report_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyleak.commands.console import Console
    from keyleak.commands.options import ReportOptions
    from keyleak.errors import ExitCode
    from keyleak.rulebook.provenance import RuleFolder

_STAGES: Final = ("pre-commit", "pre-merge-commit", "commit-msg", "pre-push", "pre-receive")
_OF_A_COMMIT: Final = frozenset({"pre-commit", "pre-merge-commit", "commit-msg"})
# Where a file has such a name, the option counts too: no file can switch off what makes a hook stricter.
_STRICTER: Final = frozenset({"--no-config", "--no-inline", "--no-cache"})
_PIPELINES: Final = ("github-action", "gitlab-ci")
# Less than the shortest time limit that the agents have where none is configured, 30 seconds.
_SECONDS: Final = 20


@click.group()
def hook() -> None:
    """Stop keys: before a commit, a push, on the server, or in a coding agent."""


class _NamesOfFiles(click.Command):
    """A word behind the stage that names a file is that file, though it looks like an option.

    Hook managers append names of files without `--`, and anybody can add a file called `--exit-zero`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command`."""
        stages = [index for index, word in enumerate(args) if word in _OF_A_COMMIT]
        start = stages[0] + 1 if stages else len(args)
        end = args.index("--") if "--" in args else len(args)
        words = [word for word in args[start:end] if word.startswith("-") and word != "-"]
        names = set(_names_of_files(words)) if words else set()
        options = [word for word in args[:end] if word not in names or word in _STRICTER]
        files = [word for word in args[start:end] if word in names]
        return super().parse_args(ctx, [*options, "--", *files, *args[end + 1 :]])


def _names_of_files(words: list[str]) -> Iterator[str]:
    from keyleak.git.index import named_entries  # noqa: PLC0415 - few names look like options
    from keyleak.git.inherited import inherited_repository  # noqa: PLC0415

    yield from (word for word in words if os.path.lexists(word))
    repository = inherited_repository(".", os.environ)
    yield from (
        os.path.relpath(e.path, repository.prefix or ".") for e in named_entries(repository, words).entries
    )


@hook.command(cls=_NamesOfFiles, epilog=EXIT_CODES)
@click.argument("stage", type=click.Choice([*_STAGES, *_PIPELINES]))
@click.argument("arguments", nargs=-1, metavar="[ARGUMENT]...")
@with_report_options
def run(*, stage: str, arguments: tuple[str, ...], options: ReportOptions, console: Console) -> ExitCode:
    """Look at what git is about to record, send or accept; git's hooks start this.

    pre-commit and pre-merge-commit read the index (or the staged version of the files named), commit-msg
    the message, pre-push and pre-receive what is new with a push. Anything that cannot be read stops git.
    KEYLEAK_SKIP='reason' goes on all the same, and is recorded. Behind these stages a word that names a file
    is that file, whatever it looks like: options go before the stage. github-action and gitlab-ci read what
    the event of a pipeline brought.
    """
    if stage in _PIPELINES:
        from keyleak.commands.ci import Pipeline, github_action, gitlab_ci  # noqa: PLC0415

        pipeline = Pipeline(os.environ, options, console)
        return github_action(pipeline) if stage == "github-action" else gitlab_ci(pipeline)
    from keyleak.commands.hook_run import HookCall, Stage, run_hook  # noqa: PLC0415

    return run_hook(HookCall(Stage(stage), arguments, os.environ, options, console))


@hook.command(epilog=EXIT_CODES)
@click.option(
    "--client",
    type=click.Choice(["claude-code", "cursor", "codex", "copilot"]),
    required=True,
    help="The agent that starts this, whose protocol is spoken.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Answer within this time, and stop what could not be examined by then. Agents go on where a hook "
    "takes longer than they wait, so this has to be less than that.",
)
@RULES_OPTION
def agent(*, client: str, timeout: float, rule_folders: tuple[RuleFolder, ...]) -> ExitCode:
    """Stop a coding agent that is about to send, run or write a key.

    The agent's message is read from standard input and answered on standard output in its own protocol;
    claude-code, codex and cursor also take exit code 2 for a stop. A message that is not understood, or
    cannot be examined whole and in time, is stopped. docs/agents.md has the settings of each agent.
    """
    from keyleak.agents.protocol import Client  # noqa: PLC0415
    from keyleak.commands.agent_hook import AgentCall, agent_hook  # noqa: PLC0415
    from keyleak.commands.console import Console  # noqa: PLC0415
    from keyleak.commands.options import ReportOptions  # noqa: PLC0415
    from keyleak.error_handler import exit_code_of  # noqa: PLC0415

    options = ReportOptions(rule_folders=rule_folders)
    return agent_hook(AgentCall(Client(client), options, Console(), exit_code_of, timeout))


@hook.command()
@click.argument("stages", nargs=-1, metavar="[STAGE]...", type=click.Choice(_STAGES))
def install(*, stages: tuple[str, ...]) -> ExitCode:
    """Have git start keyleak in this repository.

    Without STAGE: pre-commit, pre-merge-commit, commit-msg and pre-push; in a bare repository pre-receive.
    A hook that is there already runs after keyleak's. core.hooksPath, Husky and lefthook are respected.
    """
    from keyleak.commands import hook_install  # noqa: PLC0415 - each command imports only what it needs
    from keyleak.commands.console import Console  # noqa: PLC0415

    return hook_install.install(stages, Console())


@hook.command()
@click.argument("stages", nargs=-1, metavar="[STAGE]...", type=click.Choice(_STAGES))
def uninstall(*, stages: tuple[str, ...]) -> ExitCode:
    """Take away what install made; what stood there before stands there again."""
    from keyleak.commands import hook_install  # noqa: PLC0415
    from keyleak.commands.console import Console  # noqa: PLC0415

    return hook_install.uninstall(stages, Console())


@hook.command()
def doctor() -> ExitCode:
    """Say whether a hook really runs here, and what it would look at.

    Exit code 2 where one of the usual stages does not run: not installed, not executable, shadowed by
    core.hooksPath, without its program, or left out of the configuration of what manages hooks here.
    """
    from keyleak.commands import hook_doctor  # noqa: PLC0415

    return hook_doctor.doctor(os.environ)
