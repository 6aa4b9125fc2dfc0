"""Talks to models with the vendors' own SDKs, as an application does: it names a model and nothing else. Base URLs and keys
come from the SDKs' own environment variables.

    python -m sdkchat [--modes chat,stream,...] [MODES/]SDK:MODEL...

Each exchange is one line of JSON on standard output. The exit status is 1 when one of them failed.
"""

import argparse
import json
import sys
import time

from . import exchange
from .sdks import create


def main() -> int:
    line = argparse.ArgumentParser(prog="sdkchat")
    line.add_argument("--modes", default=",".join(exchange.MODES), help="what to do with each model")
    line.add_argument("pairs", nargs="+", metavar="[MODES/]SDK:MODEL")
    arguments = line.parse_args()
    clients = {}  # Built once, as an application does: each keeps its connections.
    failed = False
    for pair in arguments.pairs:
        name, _, model = pair.partition(":")
        modes, _, name = name.rpartition("/")
        for mode in (modes or arguments.modes).split(","):
            result = run(clients, name, model, mode)
            failed = failed or not result["ok"]
            print(json.dumps(result), flush=True)
    return 1 if failed else 0


def run(clients: dict, name: str, model: str, mode: str) -> dict:
    result = exchange.Result(sdk=name, model=model, mode=mode)
    started = time.monotonic()
    sdk = None
    try:
        if name not in clients:
            clients[name] = create(name)
        sdk = clients[name]
        exchange.run(sdk, model, mode, result)
        result.ok = True
    except Exception as error:  # Whatever an SDK throws is the result.
        result.error = sdk.failure(error) if sdk else {"message": f"{type(error).__name__}: {error}"}
    result.ms = round((time.monotonic() - started) * 1000)
    return result.as_dict()


sys.exit(main())
