from __future__ import annotations

from typing import Any

from crewmem_doctor.model.known import Unknown

from .conftest import known, mount, target, variable

CODE = """
    import modal
    from modal import Volume as V

    MOUNT = "/data"
    image = (modal.Image.debian_slim().pip_install("crewai").env({"CREWAI_STORAGE_DIR": "/data/m"}).workdir("/srv"))
    app = modal.App("crew", image=image)
    vol = V.from_name("memory", create_if_missing=True)


    @app.function(image=image, volumes={MOUNT: vol}, max_containers=1)
    @modal.asgi_app()
    def web():
        ...


    @app.cls(secrets=[modal.Secret.from_name("x")])
    class Model:
        @modal.method()
        def run(self): ...


    @app.function(volumes=make())
    def odd(): ...


    @other.function()
    def not_one(): ...
    """


def test_functions(read: Any) -> None:
    found = read({"serve.py": CODE})
    assert found.ids == ["modal:Model", "modal:odd", "modal:web"]
    web, model = found["modal:web"], found["modal:Model"]
    assert (mount(web, "/data").kind, mount(web, "/data").source, mount(web, "/data").shared) == (
        "disk",
        "memory",
        True,
    )
    assert (known(web.replicas), web.replicas_at.line, web.at.line) == (1, 10, 10)
    assert (variable(web, "CREWAI_STORAGE_DIR"), known(web.workdir)) == ("/data/m", "/srv")
    assert target(web) == [("modal", "serve.py")]
    assert isinstance(model.replicas, Unknown)
    assert model.environment.open
    assert (model.durable_disk, known(model.workdir)) == (False, "/srv")
    assert found["modal:odd"].hidden_mounts


def test_what_is_mounted_may_be_unknown(read: Any) -> None:
    found = read({"serve.py": 'import modal\napp = modal.App()\n@app.function(volumes={"/d": get()})\ndef f(): ...\n'})
    assert mount(found["modal:f"], "/d").optional


def test_broken_python(read: Any) -> None:
    assert not read({"serve.py": "import modal\napp = modal.App(\n"}).services


APP_WIDE = """
    from modal import App, Image, Secret, Volume

    disk = Volume.from_name("notes")
    stack = App(
        "notes",
        image=Image.debian_slim().env({"CREWAI_STORAGE_DIR": "/notes", "LEVEL": "info"}),
        secrets=[Secret.from_dict({"PLACE": "here"})],
        volumes={"/notes": disk},
    )
    own = Image.debian_slim().env({"LEVEL": "debug"})


    @stack.function(volumes={"/more": Volume.from_name("more")}, env={"PLACE": "there"})
    def inherits(): ...


    @stack.cls(image=own, secrets=[Secret.from_name("openai")])
    class Own: ...
    """


def test_what_the_application_gives_all_its_functions(read: Any) -> None:
    found = read({"deploy.py": APP_WIDE})
    inherits, own = found["modal:inherits"], found["modal:Own"]
    assert [m.target for m in inherits.mounts] == ["/notes", "/more"]
    assert [variable(inherits, n) for n in ("CREWAI_STORAGE_DIR", "LEVEL", "PLACE")] == ["/notes", "info", "there"]
    assert not inherits.environment.open
    assert [m.target for m in own.mounts] == ["/notes"]
    assert (variable(own, "LEVEL"), variable(own, "PLACE")) == ("debug", "here")
    assert own.environment.get("CREWAI_STORAGE_DIR") is None
    assert own.environment.open


ELSEWHERE = """
    import modal
    from .images import base

    PLACE = "/notes"
    app = modal.App("notes", image=base.env({"CREWAI_STORAGE_DIR": f"{PLACE}/crew", "LEVEL": level()}))


    @app.function(volumes={PLACE: modal.Volume.from_name("notes")})
    def web(): ...


    @app.function(image=modal.Image.debian_slim())
    def bare(): ...
    """


def test_an_image_from_elsewhere_may_set_more(read: Any) -> None:
    found = read({"deploy.py": ELSEWHERE})
    web, bare = found["modal:web"], found["modal:bare"]
    assert web.environment.open
    assert variable(web, "CREWAI_STORAGE_DIR") == "/notes/crew"
    assert isinstance(web.environment.get("LEVEL").value, Unknown)
    assert not bare.environment.open
    assert bare.environment.get("CREWAI_STORAGE_DIR") is None
