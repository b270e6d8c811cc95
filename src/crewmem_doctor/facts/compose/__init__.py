"""Docker Compose: the files of a tree as services, one deployment for each set of files that are started together."""

from __future__ import annotations

from crewmem_doctor.facts.compose.builds import Builds
from crewmem_doctor.facts.compose.files import Library, deployments, find
from crewmem_doctor.facts.compose.project import assemble, references
from crewmem_doctor.facts.compose.services import Pulled, images_of, services_of
from crewmem_doctor.model.deployment import Service
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import Tree

__all__ = ["read_compose"]


def read_compose(tree: Tree, pulled: Pulled | None = None) -> tuple[list[Service], list[Gap], set[str]]:
    """The services of every deployment, what could not be read, and the Dockerfiles that something builds from.

    `pulled` finds the Dockerfile of an image that no service builds, because something else builds and pushes it.

    A service of the same name in two deployments keeps its id; `Service.deployment`, the path of the file that makes
    the deployment what it is, tells them apart.
    """
    library = Library(tree)
    builds = Builds(tree)
    paths = find(library)
    referred = {named for path in paths for named in references(library, path) if named != path}
    services: list[Service] = []
    gaps: list[Gap] = []
    projects = [assemble(library, deployment) for deployment in deployments(library, paths, referred.__contains__)]
    images = {name: build for project, _ in reversed(projects) for name, build in images_of(project).items()}
    for project, missing in projects:
        deployment = project.deployment
        found, unread = services_of(project, tree, builds, images, pulled)
        gaps.extend((*missing, *unread))
        if deployment.touched:
            last = library.services(deployment.main)
            found = [s for s in found if last is not None and last.key(s.name)]
        services.extend(found)
    return services, sorted({*gaps, *library.gaps}), builds.used
