"""A Hugging Face Space, by the front matter of its README.md."""

from __future__ import annotations

import re
from dataclasses import replace

from crewmem_doctor.facts.platforms.base import NOTHING, Dialect, Found, Images, Platform, Tree
from crewmem_doctor.facts.platforms.build import contained, dockerfile_near, found, native, service
from crewmem_doctor.facts.platforms.syntax import folder_of, name_of, text
from crewmem_doctor.model.deployment import Environment, Mount, User
from crewmem_doctor.model.expression import join_path
from crewmem_doctor.model.known import Known
from crewmem_doctor.model.location import Location
from crewmem_doctor.sources.passage import Passage
from crewmem_doctor.sources.yaml import Mapping, Scalar, load

_FRONT = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)
_OPEN = ("the Space's variables and secrets",)
_OPTION = "persistent storage at /data is a paid option that no file shows"
_USER = User("user", Known("/home/user"), None, root=False)


def read(tree: Tree, path: str, images: Images) -> Found:
    match = _FRONT.match((tree.text(path) or "")[:20_000])
    given = load("\n" + match[1], path)[0] if match is not None else []
    if not given or not isinstance(given[0], Mapping):
        return NOTHING
    document, folder = given[0], folder_of(path)
    sdk, key = text(document, "sdk"), document.key("sdk")
    if sdk not in ("gradio", "streamlit", "docker") or not isinstance(key, Scalar):
        return NOTHING
    data = Mount("/data", "unknown", key.at, optional=_OPTION)
    bare = service(
        "huggingface",
        folder.rpartition("/")[2] or "space",
        key.at,
        mounts=(data,),
        durable_disk=False,
        hidden_mounts=_OPTION,
        environment=Environment((), _OPEN),
        replicas=Known(1),
        deployment=path,
    )
    if sdk == "docker":
        image = dockerfile_near(tree, images, folder)
        return found([contained(tree, bare, image)] if image is not None else [])
    file = text(document, "app_file") or "app.py"
    if not tree.exists(join_path(folder, file)):
        return NOTHING
    at = Location(path, key.at.line, key.at.column)
    line = f"streamlit run {file}" if sdk == "streamlit" else f"python {file}"
    return found([native(tree, replace(bare, user=_USER), Passage(line, at), folder, "/home/user/app")])


PLATFORM = Platform(
    "huggingface",
    read,
    Dialect(
        "Hugging Face Spaces",
        "README.md with a front matter that names an `sdk`",
        "gradio, streamlit and docker Spaces, app_file",
        "request, worker, restart, redeploy, node",
        "persistent storage at /data (what lies there is unknown), variables and secrets",
    ),
    wanted=lambda path: name_of(path) == "readme.md",
)
