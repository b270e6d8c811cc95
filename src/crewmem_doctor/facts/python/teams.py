"""What stands around a memory in its crew: the crew of an agent that remembers for itself, the tasks of a crew."""

from __future__ import annotations

from collections.abc import Iterator

from crewmem_doctor.facts.python.crewai_names import CREW, sites_of
from crewmem_doctor.facts.python.crews import Crews, enabled_by, positions
from crewmem_doctor.facts.python.index import CallSite
from crewmem_doctor.facts.python.ledger import Draft, Ledger, Position, argument_location, built
from crewmem_doctor.facts.python.sinks import is_given
from crewmem_doctor.facts.python.survey import Survey, start_of
from crewmem_doctor.facts.python.yaml_agents import YamlAgents
from crewmem_doctor.model.expression import Build, Expr, Opaque, Text
from crewmem_doctor.model.known import Answer, Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import TaskText, Team

_TASK = "crewai.Task"


def attach_teams(survey: Survey, ledger: Ledger, yaml: YamlAgents) -> None:
    """After the crews and agents are in the ledger."""
    remembering = [d for d in ledger.drafts.values() if d.memory.kind in ("crew", "agent", "long_term")]
    if not remembering:
        return
    crews = Crews(survey, yaml, ledger)
    tasks = _Tasks(survey, yaml)
    for site, _ in sites_of(survey.base, CREW):
        with survey.attempt(site.location):
            value = built(survey.base, site)
            _agents(survey, ledger, yaml, crews, site, value)
            drafts = [*ledger.of(value), *ledger.of(value.argument("long_term_memory"))]
            described = list(tasks.of(site, value)) if drafts else []
            for draft in drafts:
                draft.tasks.extend(described)


def _agents(survey: Survey, ledger: Ledger, yaml: YamlAgents, crews: Crews, site: CallSite, value: Build) -> None:
    team = None
    for agent_site, _ in crews.agents_of(site, value):
        draft = _draft(ledger, yaml, agent_site)
        if draft is None or draft.memory.kind != "agent" or draft.team is not None:
            continue
        if team is None:
            embedder = value.argument("embedder")
            given = is_given(embedder)
            at = argument_location(survey.base, site, "embedder", embedder) if given else None
            team = Team(site.location, _remembers(survey, value), at)
        draft.team = team


def _draft(ledger: Ledger, yaml: YamlAgents, site: CallSite) -> Draft | None:
    """The memory of that agent, which stands in agents.yaml where the flag does."""
    position = start_of(site.location)
    if position in ledger.drafts:
        return ledger.drafts[position]
    setting = yaml.setting(site.argument("config"), site.scope, "memory")
    there = start_of(setting[0].at) if setting is not None else None
    return ledger.drafts.get(there) if there is not None else None


def _remembers(survey: Survey, value: Build) -> Answer[bool]:
    given = value.argument("memory")
    if given is None:
        return Known(False)
    return enabled_by(survey, given) or Known(False, getattr(given, "at", None))


class _Tasks:
    """The tasks of the tree by the place they are built at."""

    def __init__(self, survey: Survey, yaml: YamlAgents) -> None:
        self.survey = survey
        self.yaml = yaml.beside("tasks")
        self.known: dict[Position, CallSite] = {}
        for site, _ in sites_of(survey.base, _TASK):
            position = start_of(site.location)
            if position is not None:
                self.known[position] = site

    def of(self, crew: CallSite, value: Build) -> Iterator[TaskText]:
        found = [self.known[p] for p in positions(value.argument("tasks")) if p in self.known]
        owner = crew.scope.function.owner if crew.scope.function is not None else None
        if not found and owner is not None:
            found = [s for s in self.known.values() if s.scope.function is not None and s.scope.function.owner is owner]
        for site in found:
            yield TaskText(self._description(site), self._made(crew, site))

    @staticmethod
    def _made(crew: CallSite, site: CallSite) -> Location:
        """Where the crew's function calls the one that builds the task; the task itself where it builds it."""
        maker = site.scope.function
        if maker is None or maker is crew.scope.function:
            return site.location
        return next((s.location for s in crew.scope.body.sites if s.callee == maker.dotted), site.location)

    def _description(self, site: CallSite) -> Expr:
        given = built(self.survey.base, site).argument("description")
        if given is not None and is_given(given):
            return given
        setting = self.yaml.setting(site.argument("config"), site.scope, "description")
        if setting is not None:
            return Text(setting[1].value, setting[1].at)
        return Opaque("its description was not found", site.location)
