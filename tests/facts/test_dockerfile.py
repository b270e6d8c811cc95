from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewmem_doctor.facts.dockerfile import (
    Image,
    dockerfiles,
    read_dockerfile,
    registry_image,
    standalone_services,
    user_of,
)
from crewmem_doctor.model.deployment import User
from crewmem_doctor.model.known import Known, Unknown
from crewmem_doctor.model.location import Location
from crewmem_doctor.model.project import Gap
from crewmem_doctor.sources.discover import Tree, discover


def tree_of(root: Path, files: dict[str, str]) -> Tree:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return discover(root)


@pytest.fixture
def read(tmp_path: Path):
    def run(text: str, target: str | None = None, args: dict[str, str] | None = None, **files: str) -> Image:
        given_args = {name: Known(value) for name, value in (args or {}).items()}
        tree = tree_of(tmp_path, {"Dockerfile": text, "app/main.py": "", "requirements.txt": "crewai\n", **files})
        image = read_dockerfile(tree, "Dockerfile", target=target, args=given_args)
        assert image is not None
        return image

    return run


def env(image: Image) -> dict[str, str]:
    return {s.name: s.value.value if isinstance(s.value, Known) else "?" for s in image.environment.settings}


def test_a_plain_image(read) -> None:
    image = read(
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt .\n"
        "RUN pip install --upgrade --no-cache-dir -r requirements.txt 'uvicorn[standard]>=0.3' gunicorn==22.0\n"
        "COPY app/ ./app\n"
        'ENV A=1\nEXPOSE 80\nCMD ["uvicorn", "app.main:app", "--workers", "2"]\n'
    )
    assert (image.base_image, image.base_known, image.workdir) == (
        "python:3.12-slim",
        True,
        Known("/app", Location("Dockerfile", 2, 1, 2, 13)),
    )
    assert [(c.source, c.target) for c in image.copies] == [
        ("requirements.txt", "/app/requirements.txt"),
        ("app", "/app/app"),
    ]
    assert image.packages == ("uvicorn[standard]>=0.3", "gunicorn==22.0")
    assert [w.at.line for w in image.package_words] == [4, 4]
    assert image.requirement_files == ("requirements.txt",)
    assert image.at == Location("Dockerfile", 8, 1, 8, 50)
    assert image.user == User("root", Known("/root"))
    (process,) = image.processes
    assert (process.server, process.target) == ("uvicorn", "app.main:app")
    assert process.workers_at == Location("Dockerfile", 8, 46, 8, 49)


def test_variables_and_arguments(read) -> None:
    text = (
        "ARG TAG=3.12\nARG OTHER=o\nFROM python:${TAG}-slim\nARG TAG\nARG HERE=h\nARG OUTSIDE\n"
        "ENV A=$TAG B=\"x $HERE\" C='$HERE' D=${NONE:-d} \\\n    E=${OTHER:-e}\nENV OLD $A and $B\n"
        "ENV X=1 Y=$X\nENV S=$OUTSIDE\nENV W=/srv\nWORKDIR $W\nWORKDIR sub\nENV HOME=$W/home\n"
    )
    image = read(text)
    assert env(image) == {
        "A": "3.12",
        "B": "x h",
        "C": "$HERE",
        "D": "d",
        "E": "e",
        "OLD": "3.12 and x h",
        "X": "1",
        "Y": "",
        "S": "?",
        "W": "/srv",
        "HOME": "/srv/home",
    }
    assert isinstance(image.workdir, Known)
    assert image.workdir.value == "/srv/sub"
    assert image.base_image == "python:3.12-slim"
    setting = image.environment.get("E")
    assert setting is not None
    assert setting.at == Location("Dockerfile", 8, 5, 8, 18)
    changed = read(text, args={"TAG": "3.10", "HERE": "z", "OUTSIDE": "s"})
    assert (env(changed)["B"], env(changed)["S"], changed.base_image) == ("x z", "s", "python:3.10-slim")


def test_the_stage_that_ships(read) -> None:
    text = (
        "FROM python:3.12 AS base\nENV A=1\nWORKDIR /app\nRUN useradd -m app\nUSER app\nVOLUME /data\n"
        'CMD ["python", "base.py"]\nFROM base AS dev\nCMD ["uvicorn", "a:b", "--reload"]\n'
        "FROM base AS Prod\nENV B=2\nUSER root\n"
        "FROM node:20 AS web\nCMD node x\nFROM prod\n"
    )
    image = read(text)
    assert env(image) == {"A": "1", "B": "2"}
    assert (image.stages, image.user.name) == (("base", "dev", "prod", "web", "4"), "root")
    assert [(m.target, m.kind, m.durable) for m in image.volumes] == [("/data", "anonymous", False)]
    assert image.processes[0].target == "base.py"
    dev = read(text, target="dev")
    assert (dev.processes[0].server, dev.user.name, dev.dev) == ("uvicorn", "app", True)
    assert read(text, target="PROD").user.name == "root"


def test_copies_between_stages(read) -> None:
    image = read(
        "FROM python:3.12 AS build\nWORKDIR /src\nCOPY . .\nRUN pip install crewai==1.2\nCOPY tool.py /opt/\n"
        "FROM python:3.12-slim\nWORKDIR /srv\nCOPY --from=build /usr/local/lib /usr/local/lib\n"
        "COPY --from=build /src/app ./app\nCOPY --from=0 /opt /opt\nCOPY --from=nginx:1 /etc/x /etc/x\n"
        "COPY --from=build /src/main.py /src/run.sh ./\n",
        **{"tool.py": "", "main.py": "", "run.sh": ""},
    )
    assert [(c.source, c.target) for c in image.copies] == [
        ("app", "/srv/app"),
        ("tool.py", "/opt/tool.py"),
        ("main.py", "/srv/main.py"),
        ("run.sh", "/srv/run.sh"),
    ]
    assert image.packages == ("crewai==1.2",)


def test_copies_from_the_tree(read) -> None:
    image = read(
        "FROM python:3.12\nCOPY app /srv\nCOPY main.py /srv/start.py\nCOPY *.py conf/ /etc/x/\nADD https://x.y/z /z\n"
        'COPY ["app", "/a b/"]\nCOPY --chown=1:1 . /all/\nCOPY ../x /y\nCOPY missing.txt /m\nCOPY only\n',
        **{"main.py": "", "two.py": "", "conf/c.yaml": ""},
    )
    assert [(c.source, c.target) for c in image.copies] == [
        ("app", "/srv"),
        ("main.py", "/srv/start.py"),
        ("main.py", "/etc/x/main.py"),
        ("two.py", "/etc/x/two.py"),
        ("conf", "/etc/x"),
        ("app", "/a b"),
        ("", "/all"),
        ("missing.txt", "/m"),
    ]


def test_command_and_entrypoint(read) -> None:
    def ran(text: str) -> list[str]:
        return [" ".join(p.words) for p in read("FROM python:3.12\n" + text).processes]

    assert ran("CMD python a.py") == ["python a.py"]
    assert ran('ENTRYPOINT ["python"]\nCMD ["a.py"]') == ["python a.py"]
    assert ran('ENTRYPOINT ["tini", "--"]\nCMD exec python a.py') == ["python a.py"]
    assert ran("ENTRYPOINT python b.py\nCMD a.py") == ["python b.py"]
    assert ran("CMD python a.py\nCMD []") == []
    assert ran("RUN true") == []
    assert ran('CMD ["uvicorn", "a:b", "--workers", "$W"]') == ["uvicorn a:b --workers $W"]
    assert ran("CMD ['python', 'a.py']") == ran(r'CMD [\"python\", \"a.py\"]') == ["python a.py"]


def test_an_inherited_command_ends_with_a_new_entrypoint(read) -> None:
    text = 'FROM python:3.12 AS base\nCMD ["a.py"]\nFROM base\nENTRYPOINT ["python"]\n'
    assert read(text).cmd is None
    assert read(text + 'CMD ["b.py"]\n').processes[0].target == "b.py"


def test_entrypoint_scripts(read) -> None:
    image = read(
        'FROM python:3.12\nWORKDIR /app\nCOPY . .\nENTRYPOINT ["./docker/entrypoint.sh"]\nCMD ["gunicorn", "a:b"]\n',
        **{"docker/entrypoint.sh": '#!/bin/sh\nset -e\npython manage.py migrate\nexec "$@" -w 3\n'},
    )
    (process,) = image.processes
    assert (process.server, process.config) == ("gunicorn", ("docker/entrypoint.sh",))
    assert process.workers_at == Location("docker/entrypoint.sh", 4, 14, 4, 15)


@pytest.mark.parametrize(
    "made",
    [
        "COPY <<EOF /start.sh\n#!/bin/sh\nexec python x.py\nEOF\n",
        "RUN cat <<'EOF' > /start.sh\n#!/bin/sh\nexec python x.py\nEOF\n",
        "RUN echo '#!/bin/sh\\nexec python x.py' > /start.sh && chmod +x /start.sh\n",
        "RUN printf '%s\\n' '#!/bin/sh' 'exec python x.py' > /start.sh\n",
    ],
)
def test_scripts_that_the_dockerfile_holds(read, made: str) -> None:
    assert read(f'FROM python:3.12\n{made}CMD ["/start.sh"]\n').processes[0].target == "x.py"


NO, YES = Known(False), Known(True)


@pytest.mark.parametrize(
    ("base", "run", "user", "home", "exists"),
    [
        ("python:3.12", "useradd -m app", "app", "/home/app", YES),
        ("python:3.12", "useradd -ms /bin/bash app", "app", "/home/app", YES),
        ("python:3.12", "useradd app", "app", "/home/app", NO),
        ("python:3.12", "groupadd -r app && useradd -r -g app app", "app", "/home/app", NO),
        ("python:3.12", "useradd -r -u 1001 -g 0 -m -d /srv/app app", "1001:0", "/srv/app", YES),
        ("python:3.12", "useradd --create-home --home-dir /x app", "app", "/x", YES),
        ("python:3.12", "useradd --no-create-home app", "app", "/home/app", NO),
        ("python:3.12", "useradd app && mkdir -p /home/app && chown app /home/app", "app", "/home/app", YES),
        ("python:3.12", "adduser --disabled-password --gecos '' app", "app", "/home/app", YES),
        ("python:3.12", "addgroup --system app && adduser --system --group app", "app", "/nonexistent", NO),
        ("python:3.12-slim-bullseye", "adduser --system app", "app", "/home/app", YES),
        ("ubuntu:22.04", "adduser --system app", "app", "/home/app", YES),
        ("python:3.12", "adduser --system --home /srv/a app", "app", "/srv/a", YES),
        ("python:3.12", "adduser --system --no-create-home app", "app", "/nonexistent", NO),
        ("python:3.12-alpine", "adduser -D app", "app", "/home/app", YES),
        ("python:3.12-alpine", "addgroup -S app && adduser -S app -G app", "app", "/home/app", YES),
        ("python:3.12-alpine", "adduser -D -H -h /srv app", "app", "/srv", NO),
        ("rockylinux:9", "useradd app", "app", "/home/app", YES),
        ("rockylinux:9", "useradd -r app", "app", "/home/app", NO),
        ("python:3.12", "useradd -m first && useradd -m second", "1001", "/home/second", YES),
        ("python:3.12", "useradd -m app && usermod -d /x app", "app", "/x", NO),
        ("python:3.12", "true", "1000:1000", "/", YES),
        ("python:3.12", "true", "nobody", "/nonexistent", NO),
        ("python:3.12", "true", "0:0", "/root", YES),
        ("node:20", "true", "node", "/home/node", YES),
        ("gcr.io/distroless/python3-debian12:nonroot", "true", "nonroot", "/home/nonroot", YES),
        ("python:3.12", "echo 'app:x:1000:1000::/home/app:/bin/sh' >> /etc/passwd", "app", "/home/app", NO),
    ],
)
def test_homes(read, base: str, run: str, user: str, home: str, exists: Known[bool]) -> None:
    found = read(f"FROM {base}\nRUN {run}\nUSER {user}\n").user
    assert isinstance(found.home, Known)
    assert isinstance(found.home_exists, Known)
    assert (found.home.value, found.home_exists.value) == (home, exists.value)
    assert found.at == Location("Dockerfile", 3, 1, 3, 6 + len(user))
    assert found.root is (user == "0:0")


def test_homes_that_are_not_known(read) -> None:
    for text in (
        "FROM corp/base\nUSER 1000",
        "FROM corp/base",
        "FROM python:3.12\nUSER app",
        "FROM python:3\nARG U\nUSER $U",
    ):
        assert isinstance(read(text).user.home, Unknown), text
    image = read("FROM corp/base\nRUN true\n")
    assert isinstance(image.workdir, Unknown)
    assert image.environment.open == ("the base image corp/base",)
    assert isinstance(read("FROM corp/base\nRUN useradd app\nUSER app").user.home_exists, Unknown)


def test_home_of_the_environment_wins(read) -> None:
    image = read("FROM python:3.12\nRUN useradd app && mkdir -p /data && chown app /data\nENV HOME=/data\nUSER app\n")
    assert (image.user.home.value, image.user.home_exists.value) == ("/data", True)
    assert "/data" in image.user.owns


@pytest.mark.parametrize(
    ("lines", "path", "owned"),
    [
        ("WORKDIR /app\nRUN useradd -m app && chown -R app:app /app\nUSER app", "/app", True),
        ("WORKDIR /app\nRUN useradd -m app\nUSER app", "/app", False),
        ("RUN useradd -m app\nWORKDIR /app\nCOPY --chown=app:app . .\nUSER app", "/app", False),
        ("RUN useradd -m app\nWORKDIR /app\nCOPY --chown=app:app . .\nUSER app", "/app/app", True),
        ("RUN useradd -m app\nCOPY --chown=app . /app/\nUSER app", "/app", True),
        ("RUN useradd -m app\nUSER app\nWORKDIR /srv/app", "/srv/app", True),
        ("RUN useradd -m -u 1000 app && mkdir -p /d/{a,b} && chown -R 1000:1000 /d/{a,b}\nUSER app", "/d/b", True),
        ("RUN useradd -m app\nRUN mkdir /d && chmod 777 /d\nUSER app", "/d", True),
        ("RUN useradd -m app\nRUN install -d -o app -g app /d\nUSER app", "/d", True),
        ("RUN useradd -m app\nUSER app\nRUN mkdir -p /home/app/x", "/home/app", True),
        ("WORKDIR /app\nRUN useradd -m -d /app app\nUSER app", "/app", False),
        ("RUN useradd -m -d /app app\nWORKDIR /app\nUSER app", "/app", True),
        ("RUN useradd -m app\nRUN cd /srv && mkdir x && chown app x\nUSER app", "/srv/x", True),
        ("RUN useradd -m app && chown app /d && chown root /d\nUSER app", "/d", False),
        ("RUN useradd -m app && mkdir -p /d/x && chown -R app /d\nUSER app", "/d/x", True),
        ("RUN useradd -m app && mkdir /d && chown app /d && chown -R root /d\nUSER app", "/d", False),
    ],
)
def test_owners(read, lines: str, path: str, owned: bool) -> None:
    assert (path in read("FROM python:3.12\n" + lines + "\n").user.owns) is owned


def test_another_user_of_the_image(read) -> None:
    image = read("FROM python:3.12\nRUN useradd -m -u 5 app\n")
    assert user_of(image, "5:5").home == Known("/home/app")
    assert user_of(image, "app").owns[:1] == ("/home/app",)
    assert user_of(image, "7").home == Known("/")
    assert user_of(image, "root").root


def test_base_images_with_something_of_their_own(read) -> None:
    image = read('FROM public.ecr.aws/lambda/python:3.12\nCOPY app/main.py ${LAMBDA_TASK_ROOT}\nCMD ["main.handler"]\n')
    assert isinstance(image.user.home, Unknown)
    assert (image.processes[0].server, image.processes[0].target) == ("lambda", "main.handler")
    assert image.copies[0].target.startswith("/var/task")
    image = read("FROM jupyter/base-notebook\n")
    assert (image.user.name, image.user.home.value, image.workdir) == ("jovyan", "/home/jovyan", Known("/home/jovyan"))
    image = read("FROM tiangolo/uvicorn-gunicorn-fastapi:python3.11\nCOPY app /app/app\n")
    (process,) = image.processes
    assert (process.server, process.target, process.workers.value, process.workers.confidence) == (
        "gunicorn",
        "app.main:app",
        2,
        "medium",
    )


def test_images_that_are_pulled(tmp_path: Path) -> None:
    tree, at = tree_of(tmp_path, {}), Location("compose.yaml", 3)
    image = registry_image(tree, "python:3.12-slim", at)
    assert image is not None
    assert (image.user.home, image.workdir, image.processes) == (Known("/root"), Known("/"), ())
    assert registry_image(tree, "corp/base", at) is None


def test_the_build_context(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path,
        {
            "docker/Dockerfile": "FROM python:3.12\nCOPY backend/ /app/\nCOPY pyproject.toml .\n",
            "docker/all/Dockerfile": "FROM python:3.12\nCOPY . /app/\n",
            "backend/Dockerfile": "FROM python:3.12\nCOPY . /app/\n",
            "backend/main.py": "",
            "pyproject.toml": "",
        },
    )
    found = {s.dockerfile: (s.context, [(c.source, c.target) for c in s.copies]) for s in standalone_services(tree)}
    assert found["docker/Dockerfile"] == ("", [("backend", "/app"), ("pyproject.toml", "/pyproject.toml")])
    assert found["docker/all/Dockerfile"] == ("", [("", "/app")])
    assert found["backend/Dockerfile"] == ("backend", [("backend", "/app")])
    image = read_dockerfile(tree, "docker/Dockerfile", context="docker")
    assert image is not None
    assert image.copies[0].source == "docker/backend"


def test_which_files_are_dockerfiles(tmp_path: Path) -> None:
    yes = [
        "Dockerfile",
        "a/dockerfile",
        "b/Containerfile",
        "Dockerfile.dev",
        "api.Dockerfile",
        "web.dockerfile",
        "Dockerfile-gpu",
    ]
    no = ["Dockerfile.dockerignore", "Dockerfile.j2", "dockerfile.py", "Dockerfile.md", "mydockerfile.yaml"]
    tree = tree_of(tmp_path, dict.fromkeys(yes + no, "FROM python:3.12\nCMD python a.py\n"))
    assert dockerfiles(tree) == sorted(yes)


def test_standalone_services(tmp_path: Path) -> None:
    tree = tree_of(
        tmp_path,
        {
            "Dockerfile": 'FROM python:3.12\nVOLUME ["/data"]\nRUN pip install crewai\nCMD python a.py\n',
            "used/Dockerfile": "FROM python:3.12\n",
            ".devcontainer/Dockerfile": "FROM python:3.12\n",
            "b/Dockerfile": "FROM a AS production\nCMD python p.py\nFROM production AS dev\nCMD python d.py\n",
            "c/Dockerfile": "RUN x\n",
        },
    )
    gaps: list[Gap] = []
    found = {s.id: s for s in standalone_services(tree, {"used/Dockerfile"}, gaps)}
    assert sorted(found) == ["dockerfile:.devcontainer/Dockerfile", "dockerfile:Dockerfile", "dockerfile:b/Dockerfile"]
    main = found["dockerfile:Dockerfile"]
    assert (main.platform, main.at.line, main.packages, main.dev) == ("dockerfile", 4, ("crewai",), False)
    assert [(m.target, m.kind) for m in main.mounts] == [("/data", "anonymous")]
    assert found["dockerfile:.devcontainer/Dockerfile"].dev
    assert found["dockerfile:.devcontainer/Dockerfile"].at.line == 1
    assert found["dockerfile:b/Dockerfile"].processes[0].target == "p.py"
    assert [(g.path, g.why) for g in gaps] == [("c/Dockerfile", "there is no FROM")]


@pytest.mark.parametrize(
    "line",
    [
        "RUN mkdir /d{}",
        "ENV A{}=$A",
        "COPY --from=a /x{} /y{}",
        "RUN useradd -m u{}",
        "FROM a AS s{}",
        "RUN chown u{} /a",
        "CMD A{}=1; B=2 c",
    ],
)
def test_many_lines_take_no_time(tmp_path: Path, line: str) -> None:
    text = "FROM python:3.12 AS a\n" + "\n".join(line.replace("{}", str(n)) for n in range(20_000))
    tree, gaps = tree_of(tmp_path, {"Dockerfile": text}), []
    start = time.process_time()
    assert standalone_services(tree, (), gaps)
    assert time.process_time() - start < 8
    assert [g.kind for g in gaps] == ["too-large"]


LINES = st.lists(
    st.sampled_from(
        [
            "FROM python:3.12 AS a",
            "FROM a",
            "FROM ${X}",
            "ARG X=1",
            "ARG",
            "ENV A=$B B=${A:-${C}}",
            "ENV",
            "WORKDIR",
            "WORKDIR $A",
            "USER",
            "USER $A",
            "USER app",
            "RUN useradd",
            "RUN useradd -m -d",
            "RUN adduser --system app",
            "RUN chown",
            "RUN chown a b",
            "RUN chmod 777 x",
            "COPY",
            "COPY a",
            "COPY --from=a / /",
            "COPY --from=9 x y",
            "COPY . .",
            'COPY ["a"]',
            "COPY <<E /x\nE",
            "RUN <<E\nuseradd x\nE",
            "VOLUME",
            'VOLUME ["/x"]',
            "CMD",
            'CMD ["sh", "-c"]',
            'CMD a "',
            'ENTRYPOINT ["/x.sh"]',
            "ENTRYPOINT",
            "RUN pip install -r",
            "RUN mkdir",
            "RUN cd && x",
            "RUN usermod -d",
            "RUN echo a > /etc/passwd",
            "SHELL",
            "ADD x",
        ]
    ),
    max_size=12,
).map("\n".join)


@given(st.one_of(st.text(max_size=60).map(lambda t: "FROM a\n" + t), LINES))
@settings(max_examples=400, deadline=None)
def test_no_text_raises(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    global _FOLDER
    _FOLDER = _FOLDER or tmp_path_factory.mktemp("any")
    (_FOLDER / "Dockerfile").write_text(text, encoding="utf-8", errors="replace")
    (_FOLDER / "x.sh").write_text('exec "$@"')
    standalone_services(discover(_FOLDER), (), [])


_FOLDER: Path | None = None
