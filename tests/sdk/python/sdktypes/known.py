"""The list of what readers may find wrong, each with its reason: `known.tsv`."""

import fnmatch
import pathlib

LIST = pathlib.Path(__file__).with_name("known.tsv")


class Known:
    def __init__(self) -> None:
        lines = (line for line in LIST.read_text().splitlines() if line and not line.startswith("#"))
        self.used = {line: 0 for line in lines}
        for line in self.used:
            fields = line.split("\t")
            assert len(fields) == 5 and all(fields), f"{LIST.name}: a line is kind, to, where, what and reason: {line}"

    def has(self, kind: str, to: str, fault) -> bool:
        for line in self.used:
            *patterns, _ = line.split("\t")
            if all(map(fnmatch.fnmatchcase, (kind, to, fault.where, fault.what), patterns)):
                self.used[line] += 1
                return True
        return False

    def in_vain(self) -> list[str]:
        return [line for line, times in self.used.items() if not times]
