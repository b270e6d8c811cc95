"""`Crew(memory=…)` and `Agent(memory=…)`."""

from __future__ import annotations

import ast
from dataclasses import replace

from crewmem_doctor.facts.python.crewai_names import AGENTS, CREW, LEGACY, crewai_class, sites_of
from crewmem_doctor.facts.python.deferred import level_of
from crewmem_doctor.facts.python.embedders import embedder_of, models_of
from crewmem_doctor.facts.python.index import CallSite, Class, Function
from crewmem_doctor.facts.python.ledger import Draft, Goal, Ledger, Position, argument_location, built, inside
from crewmem_doctor.facts.python.mem0 import mem0_storage
from crewmem_doctor.facts.python.sinks import is_given, table_sinks
from crewmem_doctor.facts.python.staged import for_tests
from crewmem_doctor.facts.python.stores import store_of
from crewmem_doctor.facts.python.survey import Survey, as_text, last_name, start_of
from crewmem_doctor.facts.python.yaml_agents import YamlAgents
from crewmem_doctor.model.expression import Build, Choice, EnvVar, Expr, Items, Table, Text, walk
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.memory import Memory, Sink, Step, Store
from crewmem_doctor.model.project import Gap

_OBJECTS = {
    "short_term_memory": "short_term",
    "long_term_memory": "long_term",
    "entity_memory": "entity",
    "external_memory": "external",
    "user_memory": "external",
}
_LLMS = ("llm", "manager_llm", "function_calling_llm", "chat_llm", "planning_llm")


def find(survey: Survey, ledger: Ledger, yaml: YamlAgents) -> None:
    """Memory objects must be in the ledger before: a crew that is given one has no memory of its own."""
    Crews(survey, yaml, ledger).find()


class Crews:
    """Finds them; `agents` are all agents of the tree by the place they are built at."""

    def __init__(self, survey: Survey, yaml: YamlAgents, ledger: Ledger) -> None:
        self.survey = survey
        self.base = survey.base
        self.yaml = yaml
        self.ledger = ledger
        self.agents: dict[Position, tuple[CallSite, Build]] = {}
        for site, _ in sites_of(self.base, *AGENTS):
            position = start_of(site.location)
            if position is not None:
                self.agents[position] = (site, built(self.base, site))

    def find(self) -> None:
        for site, _ in sites_of(self.base, CREW):
            with self.survey.attempt(site.location):
                self._crew(site, built(self.base, site))
        for site, value in self.agents.values():
            with self.survey.attempt(site.location):
                self._agent(site, value)

    def _crew(self, site: CallSite, value: Build) -> None:
        given = self._memory_argument(site, value)
        passed = self._objects(site, value)
        if given is None:
            if value.argument("**") is not None and value.argument("tasks") is None:
                self.survey.gaps.append(
                    Gap(
                        site.location.path,
                        site.location.line,
                        "dynamic",
                        "whether this crew has memory depends on arguments that could not be followed",
                    )
                )
            return
        turned_on = argument_location(self.base, site, "memory", given)
        if self._hand_over(given, "the crew that uses it", site):
            if not any(not self.ledger.of(o) for o in _options(given) if not _off(o)):
                return
            given = next((o for o in _options(given) if not self.ledger.of(o) and not _off(o)), given)
        enabled = enabled_by(self.survey, given)
        if enabled is None or {"short_term", "long_term", "entity"} <= passed:
            return
        draft = self._draft(site, value, given, enabled, turned_on, "crew")
        self._keys(site, value, draft)
        self.ledger.add(draft)

    def _draft(
        self, site: CallSite, value: Build, given: Expr, enabled: Answer[bool], turned_on: Location, kind: str
    ) -> Draft:
        embedder = value.argument("embedder")
        memory = Memory(
            "crew" if kind == "crew" else "agent",
            site.location,
            crewai_class(self.base, site.callee),
            self._store(given, turned_on),
            turned_on,
            Known(False, site.location) if for_tests(site) else enabled,
            level_of(site),
            inside=inside(site.scope),
            embedder=embedder_of(embedder, argument_location(self.base, site, "embedder", embedder)),
        )
        return Draft(memory, self._goals(site), [given])

    def _memory_argument(self, site: CallSite, value: Build) -> Expr | None:
        """`memory=`, or what a scanned subclass sets for all its crews."""
        given = value.argument("memory")
        definition = self.base.definition(site.callee)
        if given is None and isinstance(definition, Class):
            for binding in definition.attributes.get("memory", ()):
                if binding.value is not None:
                    given = self.base.evaluate(binding.value, definition.scope)
        return given

    def _objects(self, site: CallSite, value: Build) -> set[str]:
        """Hands the legacy objects over to this crew; their kinds."""
        kinds: set[str] = set()
        for name, kind in _OBJECTS.items():
            given = value.argument(name)
            if given is not None and is_given(given):
                kinds.add(kind)
                self._hand_over(given, f"given to this crew as {name}=", site)
        config = value.argument("memory_config")
        if isinstance(config, Table) and as_text(config.get("provider")) == "mem0":
            at = argument_location(self.base, site, "memory_config", config)
            store = mem0_storage(config.get("config") or config, at)
            draft = Draft(
                Memory("external", at, "crewai.Crew", store, at, level=level_of(site), inside=inside(site.scope)),
                self._goals(site),
                [config],
            )
            draft.sinks.extend(table_sinks(config, at))
            self.ledger.add(draft)
        return kinds

    def _hand_over(self, given: Expr, note: str, site: CallSite) -> bool:
        """Whoever reaches the crew or agent reaches the memory that it is given."""
        drafts = self.ledger.of(given)
        for draft in drafts:
            draft.uses.append(Step(site.location, note))
            draft.users.append(site)
        return bool(drafts)

    def _store(self, given: Expr, at: Location) -> Store:
        """CrewAI's default; what a dict's `storage` says (it becomes `Memory(**dict)`); an object that was not seen."""
        if isinstance(given, Table):
            return store_of(self.survey, given.get("storage"), at)
        if isinstance(given, Build) and given.callee.rsplit(".", 1)[-1] not in ("bool", "str", *LEGACY):
            return Store("unknown", f"{given.callee or 'an object'} could not be followed", None, "unknown", at)
        return store_of(self.survey, None, at)

    def _keys(self, site: CallSite, value: Build, draft: Draft) -> None:
        name = value.argument("name")
        if name is not None and is_given(name):
            draft.sinks.append(Sink("crew_name", name, argument_location(self.base, site, "name", name)))
        given = draft.values[0]
        if isinstance(given, Table):
            draft.sinks.extend(table_sinks(given, draft.memory.turned_on or site.location))
        for agent_site, agent in self.agents_of(site, value):
            role = agent.argument("role")
            if role is not None and is_given(role):
                draft.sinks.append(Sink("agent_role", role, argument_location(self.base, agent_site, "role", role)))
            else:
                setting = self.yaml.setting(agent_site.argument("config"), agent_site.scope, "role")
                if setting is not None:
                    draft.sinks.append(Sink("agent_role", Text(setting[1].value, setting[1].at), setting[1].at))
            draft.llms.extend(models_of(agent.argument("llm"), agent_site.location))
            setting = self.yaml.setting(agent_site.argument("config"), agent_site.scope, "llm")
            if setting is not None:
                draft.llms.append((setting[1].value, setting[1].at))
        for word in _LLMS:
            draft.llms.extend(models_of(value.argument(word), site.location))

    def agents_of(self, site: CallSite, value: Build) -> list[tuple[CallSite, Build]]:
        """The agents a crew is built with; the `@agent` methods of its class where it says `self.agents`."""
        found = [self.agents[p] for p in positions(value.argument("agents")) if p in self.agents]
        if not found:
            owner = site.scope.function.owner if site.scope.function is not None else None
            if owner is not None:
                found = [
                    pair
                    for pair in self.agents.values()
                    if pair[0].scope.function is not None and pair[0].scope.function.owner is owner
                ]
        return found

    def _agent(self, site: CallSite, value: Build) -> None:
        given = value.argument("memory")
        turned_on = argument_location(self.base, site, "memory", given)
        at = site.location
        if given is None:
            setting = self.yaml.setting(site.argument("config"), site.scope, "memory")
            if setting is None or setting[1].truth is not True:
                return
            given, at, turned_on = Text(True, setting[1].at), setting[0].at, setting[1].at
        if self._takes_nothing(given) or self._hand_over(given, "the agent that uses it", site):
            return
        enabled = enabled_by(self.survey, given)
        if enabled is None:
            return
        draft = self._draft(site, value, given, enabled, turned_on, "agent")
        draft.memory = replace(draft.memory, at=at)
        role = value.argument("role")
        if role is not None and is_given(role):
            draft.sinks.append(Sink("agent_role", role, argument_location(self.base, site, "role", role)))
        draft.llms.extend(models_of(value.argument("llm"), site.location))
        self.ledger.add(draft)

    def _takes_nothing(self, given: Expr) -> bool:
        """`Agent(memory=ShortTermMemory())`: releases that have the class ignore the argument, so a memory that no crew
        is given is never written."""
        drafts = self.ledger.of(given)
        if not drafts or any(draft.memory.kind not in _OBJECTS.values() for draft in drafts):
            return False
        for draft in drafts:
            if not draft.users:
                nowhere = Store("unknown", "an agent takes no memory of this kind", None, "unknown", draft.memory.at)
                draft.memory = replace(draft.memory, store=nowhere)
        return True

    def _goals(self, site: CallSite) -> list[Goal]:
        """The construction; for an `@agent` or `@task` method also the crew of its class, which builds it."""
        goals: list[Goal] = [site]
        function = site.scope.function
        if function is not None and function.owner is not None and _marked(function, "agent", "task"):
            goals.extend(m for m in function.owner.methods.values() if _marked(m, "crew"))
        return goals


def _marked(function: Function, *words: str) -> bool:
    """Decorated with `@agent` or `@crew` of `crewai.project`."""
    marks = {i.local for i in function.module.imports if i.target in {f"crewai.project.{w}" for w in words}}
    return any(last_name(d.func if isinstance(d, ast.Call) else d) in marks for d in function.decorators)


def _options(given: Expr) -> tuple[Expr, ...]:
    return given.options if isinstance(given, Choice) else (given,)


def _off(value: Expr) -> bool:
    return isinstance(value, Text) and not value.value


def enabled_by(survey: Survey, given: Expr) -> Answer[bool] | None:
    """None where memory is certainly off. Unknown where it is off by default and a setting may turn it on."""
    if isinstance(given, (Table, Build)) and not (isinstance(given, Build) and given.callee.startswith("builtins.")):
        return Known(True, given.at)
    answer = survey.base.truth(given)
    if isinstance(answer, Unknown) or answer.value:
        return answer
    if answer.confidence == "high":
        return None
    names = [e.name for e in walk(given) if isinstance(e, EnvVar)]
    decides = names[0] if names else "configuration"
    return Unknown(f"{decides} decides, and memory is off unless it says otherwise", getattr(given, "at", None))


def positions(value: Expr | None) -> list[Position]:
    """The places where the values of a list were built."""
    if isinstance(value, (Items, Choice)):
        parts = value.items if isinstance(value, Items) else value.options
        return [p for part in parts for p in positions(part)]
    position = start_of(value.at) if isinstance(value, Build) else None
    return [position] if position is not None else []
