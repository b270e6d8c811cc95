"""The documentation's own build and checks.

    python tools/docs.py build           write docs/rules.md from the catalogue, and the README's sample report
    python tools/docs.py check           links, freshness, commands, hosts and paths that must not be there
    python tools/docs.py command NAME    print the README's command of that name: scan or tests
"""

from __future__ import annotations

import difflib
import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
COLUMNS = 100
RULES = ROOT / "docs" / "rules.md"
INTRODUCTION = """\
# Rules

Made from the rules' own docstrings by `python tools/docs.py build`; `crewmem-doctor explain RULE` prints the same text.
An id or a name never changes its meaning and is never given to another rule."""
COMMAND = re.compile(r"<!-- command: (\w+) -->\n```sh\n(.*?)\n```", re.DOTALL)
SAMPLE = re.compile(r"(<!-- sample: (\S+) -->\n```text\n)(.*?)(```)", re.DOTALL)
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# Where packages come from is the reader's choice, and nothing here may depend on one machine.
FOREIGN = re.compile(r"pyp[i]\.org|pythonhoste[d]\.org|registry\.npm[j]s\.org|deb\.debia[n]\.org"
                     r"|/wor[k]/(?:main|shared)|\.pyen[v]/|/Users/\w+/|file:///(?!path)")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".txt", ".json", ".cfg", ".sh", ""}


def anchor(heading: str) -> str:
    """The id that a Markdown host gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def rules_page() -> str:
    from crewmem_doctor.rules import catalogue
    from crewmem_doctor.rules.base import GROUPS

    out = [INTRODUCTION, "", "| rule | severity | fires when |", "|---|---|---|"]
    for rule in catalogue():
        heading = f"{rule.id} {rule.name}"
        summary = rule.summary.replace("|", "\\|")
        out.append(f"| [{heading}](#{anchor(heading)}) | {rule.severity} | {summary} |")
    group = ""
    for rule in catalogue():
        if rule.group != group:
            group = rule.group
            digit = next(key for key, name in GROUPS.items() if name == group)
            out += ["", f"# {digit}xx {group}"]
        page = re.sub(r"^##", "####", rule.page.removeprefix(f"{rule.id} · "), flags=re.MULTILINE)
        page = page[:1].upper() + page[1:]
        out += ["", f"## {rule.id} {rule.name}", "", f"*{rule.severity}*", "", page]
        if rule.premise:
            out += ["", "#### Evidence", "", *(f"- {line}" for line in rule.premise)]
    return "\n".join(out).rstrip() + "\n"


def tracked() -> list[Path]:
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md" and "fixtures" not in path.parts]


def anchors(text: str) -> set[str]:
    return {anchor(match[1]) for match in re.finditer(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)}


def broken_links() -> Iterable[str]:
    for path in documents():
        text = path.read_text(encoding="utf-8")
        for target in LINK.findall(FENCE.sub("", text)):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, fragment = target.partition("#")
            other = (path.parent / name).resolve() if name else path
            where = f"{path.relative_to(ROOT)}: link to {target}"
            if not other.exists():
                yield f"{where}: no such file"
            elif fragment and other.suffix == ".md" and fragment not in anchors(other.read_text(encoding="utf-8")):
                yield f"{where}: no such heading"


def stale_rules() -> Iterable[str]:
    written = RULES.read_text(encoding="utf-8") if RULES.exists() else ""
    page = rules_page()
    if written != page:
        changed = [line for line in difflib.ndiff(written.splitlines(), page.splitlines()) if line[0] in "+-"]
        yield f"docs/rules.md is not what the catalogue says (first: {changed[0]!r}): run python tools/docs.py build"


def doctor(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ.get("PATH", ""), "COLUMNS": "100", "NO_COLOR": "1"}
    return subprocess.run([sys.executable, "-m", "crewmem_doctor", *words], cwd=ROOT, text=True, encoding="utf-8",
                          capture_output=True, env=environment, check=False)


def on_terminal(*words: str) -> str:
    """What the program prints on a terminal of 100 columns without colour, where it wraps."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    environment = {"PATH": os.environ.get("PATH", ""), "NO_COLOR": "1", "TERM": "xterm", "PYTHONUTF8": "1"}
    process = subprocess.Popen([sys.executable, "-m", "crewmem_doctor", *words], cwd=ROOT, env=environment,
                               stdin=subprocess.DEVNULL, stdout=side, stderr=subprocess.DEVNULL)
    os.close(side)
    printed = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:         # Linux reports the end of a terminal so
            break
        if not part:
            break
        printed += part
    os.close(main)
    process.wait()
    return printed.decode("utf-8")


def with_samples(text: str) -> str:
    """The document with each marked sample as the program prints it today."""
    def fresh(match: re.Match[str]) -> str:
        lines = on_terminal("scan", match[2]).rstrip().splitlines()
        return match[1] + "".join(line.rstrip() + "\n" for line in lines) + match[4]

    return SAMPLE.sub(fresh, text)


def stale_samples() -> Iterable[str]:
    text = README.read_text(encoding="utf-8")
    if with_samples(text) != text:
        yield "README.md: the sample is not what the program prints: run python tools/docs.py build"


def foreign_text() -> Iterable[str]:
    for path in tracked():
        if path.suffix in TEXT and path.resolve() != Path(__file__).resolve():
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                found = FOREIGN.search(line)
                if found:
                    yield f"{path.relative_to(ROOT)}:{number}: {found[0]} belongs to one machine or index"


def readme_commands() -> dict[str, str]:
    return dict(COMMAND.findall(README.read_text(encoding="utf-8")))


def wrong_commands() -> Iterable[str]:
    """Every `crewmem-doctor …` line in a document's shell block must name a command, options and files that exist."""
    helps: dict[str, str] = {}
    for path in documents():
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            for match in re.finditer(r"^(?:\S*/)?crewmem-doctor (\w+)(.*)$", block, re.MULTILINE):
                command, rest = match[1], match[2]
                if command not in helps:
                    done = doctor(command, "--help")
                    helps[command] = done.stdout if done.returncode == 0 else ""
                where = f"{path.relative_to(ROOT)}: crewmem-doctor {command}{rest}"
                if not helps[command]:
                    yield f"{where}: no such command"
                for word in shlex.split(rest, comments=True):
                    if word.startswith("--") and word.split("=")[0] not in helps[command]:
                        yield f"{where}: no option {word}"
                    if word.startswith("fixtures/") and not (ROOT / word).exists():
                        yield f"{where}: no such folder"
    for name in ("scan", "tests"):
        if name not in readme_commands():
            yield f"README.md: no command marked <!-- command: {name} -->"


def check() -> int:
    wrong = [*broken_links(), *stale_rules(), *stale_samples(), *foreign_text(), *wrong_commands()]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"docs: {len(documents())} documents, {len(wrong)} complaints")
    return 1 if wrong else 0


def main(words: list[str]) -> int:
    if words == ["build"]:
        RULES.write_text(rules_page(), encoding="utf-8")
        README.write_text(with_samples(README.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    if words == ["check"]:
        return check()
    if len(words) == 2 and words[0] == "command" and words[1] in readme_commands():
        print(readme_commands()[words[1]])
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
