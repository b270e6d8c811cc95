"""The child program: what runs inside the target's own interpreter, which need have nothing but Python 3.10 and CrewAI.

`probes.crewai.source` sends these modules as one text on standard input, under another package name. So they import one
another relatively, everything else from the standard library, and CrewAI only through `importlib`, inside functions.
"""
