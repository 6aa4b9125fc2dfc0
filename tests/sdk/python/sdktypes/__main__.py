"""Reads everything that the translators emit with the vendors' own SDKs: as the types of their requests, replies and events,
and with their clients.

    python -m sdktypes [--whole] FOLDER

The folder has `requests.jsonl`, `replies.jsonl`, `streams.jsonl` and `errors.jsonl`. The exit status is 1 when a reader finds
something that `known.tsv` does not have. With `--whole`, for the whole corpus, it is also 1 for a line of `known.tsv` in
vain, and for a reader with nothing to read.
"""

import argparse
import collections
import json
import pathlib
import sys

from .fault import Fault
from .known import Known
from .readers import READERS, reader
from .spoiled import spoiled

KINDS = ("requests", "replies", "streams", "errors")


def main() -> int:
    line = argparse.ArgumentParser(prog="sdktypes")
    line.add_argument("--whole", action="store_true", help="whether the folder has the whole corpus")
    line.add_argument("folder", type=pathlib.Path)
    arguments = line.parse_args()
    known, problems = Known(), []
    for kind in KINDS:
        problems += read(kind, arguments.folder / f"{kind}.jsonl", known, arguments.whole)
    if arguments.whole:
        problems += [f"{known_line!r} of known.tsv is in vain" for known_line in known.in_vain()]
    print("\n".join(problems))
    return 1 if problems else 0


def read(kind: str, file: pathlib.Path, known: Known, whole: bool) -> list[str]:
    """What is wrong with the lines of a file, one problem for each place and word; prints what was read."""
    counts, places, tried, problems = collections.Counter(), collections.defaultdict(list), set(), []
    for line in map(json.loads, file.open()):
        to = line["to"]
        if to not in READERS:
            continue
        counts[line["from"], to] += 1
        found = judge(kind, line)
        for fault in found:
            if not known.has(kind, to, fault):
                places[to, fault].append((line, fault))
        if to not in tried and not line.get("broken"):
            tried.add(to)
            if not set(judge(kind, spoiled(line))) - set(found):
                problems.append(f"{kind} to {to}: the reader takes what is spoiled")
    for (source, to), count in sorted(counts.items()):
        print(f"{kind} from {source} to {to}: {count}")
    if whole:
        problems += [f"{kind} to {to}: there is nothing to read" for to in READERS if to not in tried]
    return problems + [told(kind, to, those) for (to, _), those in places.items()]


def judge(kind: str, line: dict) -> list[Fault]:
    try:
        return getattr(reader(line["to"]), kind)(line)
    except Exception as error:  # Some SDKs' types throw other things than what they have for a wrong body.
        return [Fault("/", type(error).__name__, f"{error}"[:300])]


def told(kind: str, to: str, those: list) -> str:
    line, fault = those[0]
    sources = ", ".join(sorted({line["from"] for line, _ in those}))
    of = " for ".join(filter(None, (line["case"], line.get("model"))))
    return f"{kind} to {to}: {fault.where} {fault.what}, {len(those)} times, from {sources}; so of {of}: {fault.told}"


sys.exit(main())
