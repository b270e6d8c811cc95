"""Every memory the code turns on, with its store, its keys and the ways that requests reach it."""

from __future__ import annotations

from collections.abc import Mapping

from crewmem_doctor.facts.python import factories, flows, objects, sinks, third_party
from crewmem_doctor.facts.python.crews import Crews
from crewmem_doctor.facts.python.index import Function
from crewmem_doctor.facts.python.ledger import Ledger
from crewmem_doctor.facts.python.survey import Survey
from crewmem_doctor.facts.python.yaml_agents import YamlAgents
from crewmem_doctor.model.memory import EntryPoint, Memory
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import Tree


def find_memories(
    survey: Survey, tree: Tree, entries: Mapping[Function, EntryPoint]
) -> tuple[tuple[Memory, ...], list[Gap]]:
    """Memories in order of place, and the crews of which it cannot be told whether they have one."""
    ledger = Ledger(survey.base)
    objects.find(survey, ledger)
    crews = Crews(survey, YamlAgents(survey, tree), ledger)
    crews.find()
    flows.find(survey, ledger)
    third_party.find(survey, ledger)
    factories.apply(survey, ledger)
    sinks.attach_scopes(survey, ledger)
    sinks.attach_clients(survey, ledger)
    return ledger.finish(entries), crews.gaps
