"""`--format concise`: one line per finding, then one line of summary."""

from __future__ import annotations

from crewmem_doctor.model.report import Report
from crewmem_doctor.reports.verdict import verdict
from crewmem_doctor.reports.words import plain


def render(report: Report, *, quiet: bool = False) -> str:
    """`path:line:column: rule severity message`, as editors and CI matchers read it."""
    lines = [
        f"{plain(f.at.path)}:{f.at.line}:{f.at.column}: {f.rule} {f.severity} {plain(f.message)}"
        for f in sorted(report.findings, key=lambda f: f.order)]
    if not quiet:
        lines.append(plain(verdict(report).text))
    return "".join(line + "\n" for line in lines)
