"""Dockerfiles → images: the stage that ships, with everything it inherits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from crewmem_doctor.facts.dockerfile.build import MOST, Builder, stage_from
from crewmem_doctor.facts.dockerfile.context import build_context
from crewmem_doctor.facts.dockerfile.identity import user_of
from crewmem_doctor.facts.dockerfile.image import Account, Image
from crewmem_doctor.facts.dockerfile.names import dockerfiles, is_development, shipping_stage
from crewmem_doctor.facts.dockerfile.stage import Stage
from crewmem_doctor.facts.servers import Scene, started
from crewmem_doctor.model.deployment import Environment, Service, User
from crewmem_doctor.model.known import Answer, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import Tree
from crewmem_doctor.sources.dockerfile import parse

__all__ = ["Account", "Image", "dockerfiles", "read_dockerfile", "registry_image", "standalone_services", "user_of"]


def read_dockerfile(
    tree: Tree,
    path: str,
    *,
    context: str | None = None,
    target: str | None = None,
    args: Mapping[str, Answer[str]] | None = None,
    gaps: list[Gap] | None = None,
) -> Image | None:
    """The image a Dockerfile builds: its last stage or `target`. None (with a gap) where there is none to build.

    `context` is the folder of the tree that is sent to the build; where it is not given, the one under which the
    sources of its COPY instructions exist. `args` override the defaults of ARG.
    """
    text = tree.text(path)
    if text is None:
        return None
    file = parse(text, path)
    if gaps is not None:
        gaps.extend(Gap(path, at.line, "parse", "not a Dockerfile instruction") for at in file.odd[:3])
        gaps.extend(
            Gap(path, i.at.line, "too-large", "too many instructions") for i in file.instructions[MOST : MOST + 1]
        )
    folder = build_context(tree, file) if context is None else context
    builder = Builder(file, tree, folder, args or {})
    builder.run()
    stage = builder.stages.get(target.lower()) if target else builder.order[-1] if builder.order else None
    if stage is None:
        if gaps is not None:
            gaps.append(
                Gap(path, 1, "parse", f"there is no stage {target}" if target and builder.order else "there is no FROM")
            )
        return None
    names = tuple(s.name or str(i) for i, s in enumerate(builder.order))
    return _image(path, folder, stage, names, is_development(path, target or ""), tree)


def registry_image(tree: Tree, name: str, at: Location) -> Image | None:
    """What is known of an image that is pulled, not built ("python:3.12-slim"); None where nothing is."""
    stage = stage_from(name, "", at)
    return _image("", "", stage, (), False, tree) if stage.base.known else None


def standalone_services(tree: Tree, used: Collection[str] = (), gaps: list[Gap] | None = None) -> list[Service]:
    """A service for every Dockerfile that nothing else builds from (`used` are the paths of those that are).

    Where the last stage is one for development or tests and an earlier one is named for production, that one is read.
    """
    out = []
    for path in dockerfiles(tree):
        if path in used:
            continue
        image = read_dockerfile(tree, path, gaps=gaps)
        if image is not None and (better := shipping_stage(image.stages)):
            image = read_dockerfile(tree, path, target=better)
        if image is not None:
            out.append(_service(image))
    return out


def _image(path: str, context: str, stage: Stage, names: tuple[str, ...], dev: bool, tree: Tree) -> Image:
    open_to = () if stage.base.known else (f"the base image {stage.image}",)
    environment = Environment(tuple(stage.settings), open_to)
    last = stage.cmd or stage.entrypoint
    if stage.entrypoint is not None and (last is None or stage.entrypoint.at > last.at):
        last = stage.entrypoint
    image = Image(
        path,
        last.at if last is not None else stage.at,
        stage.at,
        context,
        stage.name,
        names,
        stage.image,
        stage.base.known,
        stage.workdir,
        environment,
        volumes=tuple(stage.volumes),
        copies=tuple(stage.copies),
        entrypoint=stage.entrypoint,
        cmd=stage.cmd,
        packages=tuple(w.text for w in stage.packages),
        package_words=tuple(stage.packages),
        requirement_files=tuple(stage.requirements),
        accounts=tuple(stage.accounts),
        owners=tuple(stage.owners),
        made=tuple(stage.made),
        files=dict(stage.files),
        dev=dev,
    )
    scene = Scene(
        environment,
        tree,
        context,
        stage.workdir,
        image.copies,
        image.files,
        {a.name: a.home for a in image.accounts},
        "" if stage.user_why else stage.user,
        alone=True,
    )
    return replace(image, user=_user(image, stage), processes=started(image.entrypoint, image.cmd, scene))


def _user(image: Image, stage: Stage) -> User:
    if not stage.user_why:
        return user_of(image, stage.user, stage.user_at)
    return User(stage.user, Unknown(stage.user_why), stage.user_at, stage.user_at is None, Unknown(stage.user_why))


def _service(image: Image) -> Service:
    return Service(
        id=f"dockerfile:{image.path}",
        name=image.path,
        platform="dockerfile",
        at=image.at,
        processes=image.processes,
        environment=image.environment,
        workdir=image.workdir,
        user=image.user,
        mounts=image.volumes,
        copies=image.copies,
        context=image.context,
        dockerfile=image.path,
        base_image=image.base_image,
        packages=image.packages,
        dev=image.dev,
        deployment=image.path,
    )
