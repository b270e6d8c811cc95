"""What well-known base images bring: their user, its home, the accounts of their passwd, and how they make new ones."""

from __future__ import annotations

import re

from crewmem_doctor.facts.dockerfile.image import Account
from crewmem_doctor.model.known import Answer, Known, Unknown
from crewmem_doctor.model.record import dataclass

_NO_HOME: Answer[bool] = Known(False)


@dataclass(frozen=True, slots=True)
class Base:
    """`known` is False for an image nobody described here: its user, environment and working directory are then open.

    `family` decides what useradd and adduser do: "debian", "debian-old" (adduser before 3.122), "alpine", "redhat",
    "distroless" or "".
    """

    known: bool = False
    user: str = "root"
    workdir: str = "/"
    settings: tuple[tuple[str, str], ...] = ()
    family: str = ""
    accounts: tuple[Account, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


_ROOT = Account("root", Known("/root"), "0")
_DEBIAN = (
    _ROOT,
    Account("nobody", Known("/nonexistent"), "65534", _NO_HOME),
    Account("www-data", Known("/var/www"), "33", _NO_HOME),
    Account("daemon", Known("/usr/sbin"), "1"),
)
_ALPINE = (_ROOT, Account("nobody", Known("/"), "65534"), Account("daemon", Known("/sbin"), "2"))
_REDHAT = (_ROOT, Account("nobody", Known("/"), "65534"))
_NONROOT = Account("nonroot", Known("/home/nonroot"), "65532")
_FAMILIES = {
    "debian": _DEBIAN,
    "debian-old": _DEBIAN,
    "alpine": _ALPINE,
    "redhat": _REDHAT,
    "": (_ROOT,),
    "distroless": (_ROOT, _NONROOT, Account("nobody", Known("/nonexistent"), "65534", _NO_HOME)),
}

# (repository, family, user, working directory, HOME that the image sets, uid of its own account)
_IMAGES: tuple[tuple[str, str, str, str, str, str], ...] = (
    (r"python|pypy|debian|bitnami/minideb|buildpack-deps|nginx|ubuntu|nvidia/cuda", "debian", "root", "/", "", ""),
    (r"alpine|docker", "alpine", "root", "/", "", ""),
    (r"node", "debian", "node-image", "/", "", "1000"),
    (r"fedora|rockylinux|almalinux|centos|amazonlinux|oraclelinux|rockylinux/.*", "redhat", "root", "/", "", ""),
    (r"continuumio/(mini|ana)conda3|condaforge/.*|tensorflow/tensorflow", "debian", "root", "/", "", ""),
    (r"pytorch/pytorch", "debian", "root", "/workspace", "", ""),
    (r"ghcr\.io/astral-sh/uv|astral/uv", "debian", "root", "/", "", ""),
    (r"mcr\.microsoft\.com/playwright(/python)?", "debian", "pwuser-image", "/", "", "1000"),
    (r"mcr\.microsoft\.com/(vscode/)?devcontainers/.*", "debian", "vscode-image", "/", "", "1000"),
    (r"(quay\.io/)?jupyter/.*", "debian", "jovyan", "/home/jovyan", "/home/jovyan", "1000"),
    (r"mambaorg/micromamba", "debian", "mambauser", "/tmp", "", "57439"),
    (r"apache/airflow", "debian", "airflow", "/opt/airflow", "/home/airflow", "50000"),
    (
        r"registry\.access\.redhat\.com/ubi\d+/python-.*",
        "redhat",
        "default",
        "/opt/app-root/src",
        "/opt/app-root/src",
        "1001",
    ),
    (r"registry\.access\.redhat\.com/ubi\d.*", "redhat", "root", "/", "", ""),
    (r"cgr\.dev/.*python.*", "distroless", "nonroot", "/app", "", "65532"),
    (r"tiangolo/uvicorn-gunicorn(-fastapi|-starlette)?", "debian", "root", "/app", "", ""),
)
# What tiangolo's images start: at least two workers, one for each CPU.
_TIANGOLO = (
    "gunicorn",
    "-k",
    "uvicorn.workers.UvicornWorker",
    "${APP_MODULE:-app.main:app}",
    "-w",
    "${WEB_CONCURRENCY:-2}",
)
_OLD = re.compile(r"(stretch|buster|bullseye|bionic|focal|jammy|(?<![\d.])(16|18|20|22)\.04)")
_RELEASES = {"debian": re.compile(r"^(8|9|10|11)(\.|-|$)")}


def base_of(image: str) -> Base:
    """What the image of that name is known to bring."""
    name, tag = split_image(image)
    if name == "scratch":
        return Base(True, family="distroless")
    if re.match(r"gcr\.io/distroless/", name):
        return Base(
            True,
            "nonroot" if "nonroot" in tag else "root",
            "/home/nonroot" if "nonroot" in tag else "/",
            (),
            "distroless",
            _FAMILIES["distroless"],
        )
    if re.fullmatch(r"(public\.ecr\.aws/lambda/|amazon/aws-lambda-)python", name):
        settings = (("LAMBDA_TASK_ROOT", "/var/task"),)
        return Base(False, "root", "/var/task", settings, "", (_ROOT,), ("python", "-m", "awslambdaric"))
    for pattern, family, user, workdir, home, uid in _IMAGES:
        if re.fullmatch(pattern, name):
            return _known(name, tag, family, user, workdir, home, uid)
    return Base(accounts=(_ROOT,))


def split_image(image: str) -> tuple[str, str]:
    """The repository without Docker Hub's own prefixes, and the tag."""
    name = image.partition("@")[0].lower()
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    name = head + slash + last
    for prefix in (
        "docker.io/",
        "index.docker.io/",
        "registry-1.docker.io/",
        "public.ecr.aws/docker/",
        "mirror.gcr.io/",
    ):
        name = name.removeprefix(prefix)
    return name.removeprefix("library/"), tag


def _known(name: str, tag: str, family: str, user: str, workdir: str, home: str, uid: str) -> Base:
    if family == "debian" and ("alpine" in tag or "alpine" in name):
        family = "alpine"
    elif family == "debian" and re.search(r"ubi|rocky|centos|fedora", tag):
        family = "redhat"
    elif family == "debian" and (_OLD.search(tag) or (name in _RELEASES and _RELEASES[name].match(tag))):
        family = "debian-old"
    accounts = _FAMILIES[family]
    if user.endswith("-image"):
        accounts = (*accounts, Account(user.removesuffix("-image"), Known("/home/" + user.removesuffix("-image")), uid))
        user = "root"
    elif user != "root":
        accounts = (*accounts, Account(user, Known(home or "/home/" + user), uid))
    elif name == "ubuntu" and re.match(r"(23|24|25|26|noble|latest|$)", tag):
        accounts = (*accounts, Account("ubuntu", Known("/home/ubuntu"), "1000"))
    command = _TIANGOLO if name.startswith("tiangolo/") else ()
    return Base(True, user, workdir, (("HOME", home),) if home else (), family, accounts, (), command)


def default_home(name: str, family: str, system: bool, tool: str) -> tuple[Answer[str], Answer[bool]]:
    """The home of an account that `useradd` or `adduser` makes without being told where, and whether it is created.

    Debian's adduser gives system users /nonexistent since 3.122; useradd creates no home unless told to, but Red Hat's
    login.defs tells it so for users that are no system users.
    """
    home: Answer[str] = Known("/home/" + name)
    if tool == "useradd":
        if family == "redhat":
            return home, Known(not system)
        return home, Known(False) if family else Unknown("the base image decides whether useradd creates a home")
    if not system or family == "alpine" or family == "debian-old":
        return home, Known(True)
    if family == "debian":
        return Known("/nonexistent", None, "medium"), Known(False, None, "medium")
    return Unknown("the base image's adduser decides the home"), Unknown("the base image's adduser decides the home")
