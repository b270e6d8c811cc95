"""The command line: what it takes, and what its exit status says."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from crewmem_doctor import __version__
from crewmem_doctor.cli.output import hush, put, say
from crewmem_doctor.errors import CrewmemError, Terminated

app = typer.Typer(
    name="crewmem-doctor", add_completion=False, no_args_is_help=True, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    help="Finds why CrewAI agents remember on the laptop and forget in production.")

# The options of `scan`. None stands for "not given", which leaves the choice to the environment and pyproject.toml.
Words = list[str] | None
Paths = Annotated[Words, typer.Argument(metavar="[PATH]...", help="Folders or files to audit; default: here.")]
Formats = Annotated[Words, typer.Option(
    "--format", "-f", metavar="FORMAT[=FILE]",
    help="rich (default), concise, json or sarif; repeatable as FORMAT=FILE.")]
Output = Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to stdout.")]
FailOn = Annotated[str | None, typer.Option(
    metavar="SEVERITY", help="error, warning (default), note or never: status 1 from there on.")]
Select = Annotated[Words, typer.Option(metavar="RULE,...", help="Only these ids, names or groups (CM3).")]
Unselect = Annotated[Words, typer.Option(metavar="RULE,...", help="Not these ids, names or groups.")]
Exclude = Annotated[Words, typer.Option(metavar="GLOB,...", help="Files and folders to leave out.")]
Release = Annotated[str | None, typer.Option(metavar="X.Y.Z", help="CrewAI's release, instead of what the tree pins.")]
Tests = Annotated[bool | None, typer.Option("--include-tests", help="Audit tests, examples and notebooks too.")]
Strict = Annotated[bool | None, typer.Option("--strict", help="Anything not seen makes the status 2.")]
Jobs = Annotated[int | None, typer.Option(metavar="N", help="Processes to use; default: as many as help.")]
Quiet = Annotated[bool | None, typer.Option("--quiet", "-q", help="The findings and nothing else.")]
Verbose = Annotated[bool | None, typer.Option(
    "--verbose", "-v", help="Notes, what was not seen, and suppressions in full.")]
NoColor = Annotated[bool | None, typer.Option(
    "--no-color", help="No colours (also: NO_COLOR, FORCE_COLOR, TERM=dumb).")]
Probes = Annotated[Words, typer.Option(
    "--probe", metavar="TARGET", help="Probe this too: crewai, a store's or the application's URL, ...; repeatable.")]
Targets = Annotated[list[str], typer.Argument(
    metavar="TARGET...", help="crewai, crew:MODULE:FACTORY, redis://, postgresql://, sqlite:///, http(s)://, "
    "compose:SERVICE, k8s:NAMESPACE/WORKLOAD, exec:CMD1::CMD2, env:NAME, file:PATH.")]
Timeout = Annotated[float | None, typer.Option(metavar="SECONDS", help="For each check of a probe; default: 30.")]
Requests = Annotated[int | None, typer.Option(metavar="N", help="At most so many requests to an application (12).")]
Request = Annotated[str | None, typer.Option(metavar="FILE", help="How to talk to the application (YAML).")]
Restart = Annotated[str | None, typer.Option(metavar="CMD", help="Restarts the application between two requests.")]
Python = Annotated[str | None, typer.Option(metavar="PATH", help="The interpreter that has CrewAI.")]
Mirror = Annotated[str | None, typer.Option("--service", metavar="ID", help="Mirror it: compose:api; or none.")]
Online = Annotated[bool | None, typer.Option("--online", help="Ask the embedder and the LLM too.")]
Ready = Annotated[bool | None, typer.Option("--ready", help="Only what takes under two seconds, in one line.")]
Yes = Annotated[bool | None, typer.Option("--yes", help="Ask no questions, not even about production.")]
STATUSES = (
    "Exit status: 0 nothing found, 1 findings at or above --fail-on, 2 could not look, 3 nothing uses CrewAI. Every "
    "long option can also be set as CREWMEM_DOCTOR_<OPTION> and, where it makes sense, in [tool.crewmem-doctor] of "
    "pyproject.toml.")

# Newer releases of typer carry click inside, older ones import it; either way this is the base of its usage errors.
_REFUSALS: Any = tuple(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def run() -> None:
    """The program's entry point."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 clean, 1 findings, 2 could not look, 3 nothing to audit, 130 interrupted, 143 terminated."""
    try:
        status = typer.main.get_command(app).main(list(arguments), "crewmem-doctor", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except CrewmemError as error:
        say(f"crewmem-doctor: {error}")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except Terminated:
        return 143
    except BrokenPipeError:
        hush()
        return 0
    except Exception as error:
        if isinstance(error, _REFUSALS):
            error.show(sys.stderr)
        else:
            say(f"crewmem-doctor: {_crash(error)}")
        return 2


def _crash(error: Exception) -> str:
    """A defect of this program, in one line that a report about it can start from."""
    import traceback  # that other runs need not wait for

    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"internal error: {type(error).__name__}: {error}{where}; please report it"


def _version(wanted: bool) -> None:
    if wanted:
        put(f"crewmem-doctor {__version__}\n")
        raise typer.Exit


@app.callback()
def _program(version: Annotated[bool, typer.Option(
        "--version", callback=_version, is_eager=True, help="Print the version and exit.")] = False) -> None:
    """Options of the program itself."""


@app.command(short_help="Audit a tree.", epilog=STATUSES)
def scan(paths: Paths = None, formats: Formats = None, output: Output = None, fail_on: FailOn = None,
         select: Select = None, ignore: Unselect = None, exclude: Exclude = None, crewai_version: Release = None,
         include_tests: Tests = None, strict: Strict = None, jobs: Jobs = None, quiet: Quiet = None,
         verbose: Verbose = None, no_color: NoColor = None, probe: Probes = None, timeout: Timeout = None,
         probe_requests: Requests = None, probe_request: Request = None, restart_command: Restart = None,
         python: Python = None, service: Mirror = None, online: Online = None, yes: Yes = None) -> int:
    """Audit a tree: Python sources and deployment files, one report. Nothing of the tree is run or changed."""
    from crewmem_doctor.cli.scan import scan as audit

    return audit(paths or (), {
        "formats": formats, "output": output, "fail_on": fail_on, "select": select, "ignore": ignore,
        "exclude": exclude, "crewai_version": crewai_version, "include_tests": include_tests, "strict": strict,
        "jobs": jobs, "quiet": quiet, "verbose": verbose, "no_color": no_color, "probes": probe, "timeout": timeout,
        "probe_requests": probe_requests, "probe_request": probe_request, "restart_command": restart_command,
        "python": python, "service": service, "online": online, "yes": yes})


@app.command(short_help="Probe what runs: write in one process, read in another.", epilog=STATUSES)
def probe(targets: Targets, formats: Formats = None, output: Output = None, fail_on: FailOn = None,
          select: Select = None, ignore: Unselect = None, quiet: Quiet = None, verbose: Verbose = None,
          no_color: NoColor = None, timeout: Timeout = None, probe_requests: Requests = None,
          probe_request: Request = None, restart_command: Restart = None, python: Python = None,
          service: Mirror = None, online: Online = None, ready: Ready = None, yes: Yes = None) -> int:
    """Probe CrewAI, a store, a running application or its replicas: write in one process, read in another.

    A probe writes into a name space of its own, removes what it wrote (what an application was told stays with it),
    and touches nothing that is not named here.
    """
    from crewmem_doctor.cli.probe import probe as look

    return look(targets, {
        "formats": formats, "output": output, "fail_on": fail_on, "select": select, "ignore": ignore, "quiet": quiet,
        "verbose": verbose, "no_color": no_color, "timeout": timeout, "probe_requests": probe_requests,
        "probe_request": probe_request, "restart_command": restart_command, "python": python, "service": service,
        "online": online, "ready": ready, "yes": yes})


Apply = Annotated[bool, typer.Option("--apply", help="Write the edits; otherwise they are only shown.")]
Unsafe = Annotated[bool, typer.Option("--unsafe", help="Write also what may change how things work now.")]
Force = Annotated[bool, typer.Option("--force", help="Write to files with changes that are not committed.")]
Interactive = Annotated[bool, typer.Option("--interactive", "-i", help="Ask for each edit, then write those chosen.")]
FIX_STATUSES = (
    "Exit status: 0 nothing to fix or all of it written, 1 remedies remain, 2 could not. Each edit is proved by "
    "another audit of the tree: its finding is gone, and nothing new has come.")


@app.command(short_help="Show or write the edits that findings offer.", epilog=FIX_STATUSES)
def fix(paths: Paths = None, apply: Apply = False, unsafe: Unsafe = False, interactive: Interactive = False,
        force: Force = False, select: Select = None, ignore: Unselect = None, exclude: Exclude = None,
        crewai_version: Release = None, include_tests: Tests = None, quiet: Quiet = None,
        no_color: NoColor = None) -> int:
    """Show the edits that findings offer as a diff; with --apply, write them."""
    from crewmem_doctor.cli.fix import Choice
    from crewmem_doctor.cli.fix import fix as mend

    return mend(paths or (), Choice(apply=apply, unsafe=unsafe, interactive=interactive, force=force), {
        "select": select, "ignore": ignore, "exclude": exclude, "crewai_version": crewai_version,
        "include_tests": include_tests, "quiet": quiet, "no_color": no_color})


@app.command(short_help="Print a rule's page.")
def explain(rule: Annotated[str, typer.Argument(metavar="RULE", help="An id (CM201) or a name (no-volume).")]) -> int:
    """Print a rule's page: why it matters, an example, the remedy, and when it is not a problem."""
    from crewmem_doctor.cli.explain import explain as page

    return page(rule)


@app.command(short_help="List the rules.")
def rules(format: Annotated[str, typer.Option(
        "--format", "-f", metavar="FORMAT", help="rich (default), concise or json.")] = "rich") -> int:
    """List the rules by the question they answer."""
    from crewmem_doctor.cli.explain import rules as listing

    return listing(format)
