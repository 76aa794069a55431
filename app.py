"""Entry. `python app.py --help` tells the commands; importing this module starts nothing.

`app` is the WSGI application for servers such as gunicorn; it is built on first access.
"""

import sys
from typing import Any


def __getattr__(name: str) -> Any:
    if name == "app":
        from probes.service import wsgi_app

        globals()["app"] = application = wsgi_app()
        return application
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    from probes.cli import main

    sys.exit(main())
