"""What a reader finds wrong with a body, and the branch of a union that a body comes nearest to."""

import dataclasses

TAGS = ("type", "role", "object", "event_type")


@dataclasses.dataclass(frozen=True)
class Fault:
    where: str  # A JSON pointer with `-` for every index.
    what: str  # The reader's word for it.
    told: str = dataclasses.field(compare=False)  # All that it says.


def pointer(steps) -> str:
    return "/" + "/".join("-" if isinstance(step, int) else str(step) for step in steps)


def nearest(errors: list, body) -> list[Fault]:
    """The faults that pydantic's errors tell, where it has tried every branch of a union those of the best one."""
    return [fault(error, steps) for error, steps in best(errors, 0, body, ())]


def fault(error: dict, steps: tuple) -> Fault:
    return Fault(pointer(steps), error["type"], f"{error['msg']}: {error['input']!r:.150}")


def best(errors: list, depth: int, value, steps: tuple) -> list:
    branches, members, found = {}, {}, []
    for error in errors:
        place = error["loc"][depth : depth + 1]
        if not place:
            found.append((error, steps))
        elif is_member(error, depth, value):
            members.setdefault(place[0], []).append(error)
        else:
            branches.setdefault(place[0], []).append(error)
    if branches:
        tried = [best(those, depth + 1, value, steps) for those in branches.values()]
        found += min(tried, key=lambda pairs: (mistakes_the_tag(pairs, steps), len(pairs)))
    for name, those in members.items():
        found += best(those, depth + 1, child(value, name), (*steps, name))
    return found


def is_member(error: dict, depth: int, value) -> bool:
    """Whether a step goes into the value; else it names a branch of a union."""
    step = error["loc"][depth]
    if isinstance(step, int):
        return isinstance(value, list)
    last = depth + 1 == len(error["loc"])
    return isinstance(value, dict) and (step in value or last and error["type"] == "missing")


def mistakes_the_tag(pairs: list, steps: tuple) -> bool:
    at_tag = (steps == path[:-1] and path[-1] in TAGS for _, path in pairs if path)
    return any(at_tag)


def child(value, step):
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None
