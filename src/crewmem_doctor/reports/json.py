"""`--format json`: the whole report for programs, as `schema/report-v1.schema.json` describes it."""

from __future__ import annotations

from typing import Any

from crewmem_doctor.model.deployment import EVENTS, Service
from crewmem_doctor.model.finding import Finding
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory
from crewmem_doctor.model.project import Gap
from crewmem_doctor.model.release import Release
from crewmem_doctor.model.report import Report, Row, Suppression
from crewmem_doctor.reports import document, words

VERSION = "1"


def render(report: Report, tool_version: str) -> str:
    """One JSON document; the same report gives the same text, and the text is always valid UTF-8."""
    return document.text(envelope(report, tool_version))


def envelope(report: Report, tool_version: str) -> dict[str, Any]:
    """The document as values, before secrets are taken out."""
    project = report.project
    return {
        "version": VERSION,
        "tool": {"name": "crewmem-doctor", "version": tool_version},
        "exit_code": report.exit_code,
        "crewai": _release(project.release),
        "memories": [_memory(memory, report) for memory in report.memories],
        "services": [_service(service) for service in sorted(project.services, key=lambda s: (s.id, s.at))],
        "survival": [_row(row) for row in report.rows],
        "findings": [_finding(finding) for finding in sorted(report.findings, key=lambda f: f.order)],
        "suppressed": [_suppressed(entry) for entry in sorted(report.suppressed, key=lambda s: s.finding.order)],
        "observations": [
            {"probe": seen.probe, "target": seen.target, "check": seen.check, "outcome": seen.outcome,
             "detail": seen.detail, "elapsed_ms": seen.elapsed_ms} for seen in project.observations],
        "not_seen": [_gap(gap) for gap in sorted(report.gaps)],
        "summary": {severity: report.count(severity) for severity in ("error", "warning", "note")}
        | {"suppressed": len(report.suppressed), "files": project.files},
    }


def _release(release: Release) -> dict[str, Any]:
    return {"version": str(release.exact) if release.exact else None, "specifier": release.specifier or None,
            "source": release.source or None}


def _memory(memory: Memory, report: Report) -> dict[str, Any]:
    kind, source = words.key(memory)
    location = report.locations.get(memory.id, "") if memory.store.kind in ("path", "server") else ""
    entries = {(r.entry.at.path, r.entry.at.line, r.entry.label) for r in memory.handlers}
    return {
        "id": memory.id, "kind": memory.kind,
        "path": memory.at.path, "line": memory.at.line, "column": memory.at.column,
        "store": {"kind": memory.store.kind, "location": location or None, "why": memory.store.why},
        "key": {"kind": kind, "source": source or None},
        "handlers": [{"path": path, "line": line, "entry": label} for path, line, label in sorted(entries)],
    }


def _service(service: Service) -> dict[str, Any]:
    return {
        "id": service.id, "path": service.at.path, "line": service.at.line,
        "replicas": service.replicas.value if isinstance(service.replicas, Known) else None,
        "workers": words.workers(service), "platform": service.platform,
        "mounts": [{"target": mount.target, "kind": mount.kind, "durable": mount.durable, "shared": mount.shared}
                   for mount in service.mounts],
    }


def _row(row: Row) -> dict[str, Any]:
    outcomes: dict[str, Any] = {event: row.outcomes[event].word for event in EVENTS}
    because = {event: row.outcomes[event].why for event in EVENTS if row.outcomes[event].why}
    return {"memory": row.memory, "service": row.service, **outcomes, "because": because}


def _span(at: Location) -> dict[str, Any]:
    return {"path": at.path, "line": at.line, "column": at.column, "end_line": at.end_line, "end_column": at.end_column}


def _finding(finding: Finding) -> dict[str, Any]:
    fix = finding.fix
    return {
        "rule": finding.rule, "name": finding.name, "severity": finding.severity, "confidence": finding.confidence,
        "message": finding.message, **_span(finding.at), "subject": finding.subject, "evidence": finding.evidence,
        "because": [{"path": step.at.path, "line": step.at.line, "column": step.at.column, "note": step.note}
                    for step in finding.because],
        "fix": None if fix is None else {
            "title": fix.title, "safe": fix.safe, "caveat": fix.caveat, "recipe": fix.recipe or None,
            "edits": [{"path": edit.path, "start": list(edit.start), "end": list(edit.end), "text": edit.text}
                      for edit in fix.edits]},
        "fingerprint": finding.fingerprint,
    }


def _suppressed(entry: Suppression) -> dict[str, Any]:
    return _finding(entry.finding) | {"suppression": {
        "kind": entry.kind, "reason": entry.reason, "path": entry.path, "line": entry.line}}


def _gap(gap: Gap) -> dict[str, Any]:
    return {"path": gap.path, "line": gap.line, "kind": gap.kind, "why": gap.why}
