"""An SDK's type, closed: what it does not name is a mistake in it at any depth, and nothing is coerced.

The SDKs' own types are open, since a vendor adds members at any time. What a gateway makes up has no such excuse.
"""

import json
import warnings

from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from .fault import Fault, nearest


class Closed:
    def __init__(self, kind, *, sent: bool = False) -> None:
        """`sent` is a type of what applications send: there models, which are what the SDK has received, do not count."""
        adapter = TypeAdapter(kind)
        adapter.rebuild(force=True)
        # Without what pydantic has built for the models themselves, which is open.
        self.validator = SchemaValidator(close(adapter.core_schema, sent, {}), _use_prebuilt=False)

    def faults(self, body) -> list[Fault]:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                # As JSON: what is strict of Python's values has no place for bytes and times.
                text = json.dumps(body)
                self.validator.validate_json(text, strict=True, by_alias=True, by_name=False)
                found = []
            except ValidationError as error:
                found = nearest(error.errors(include_url=False), body)
        # Google's types warn of words that are in none of their lists.
        return found + [Fault("/", "warning", str(warning.message)) for warning in warned]


def close(schema, sent: bool, done: dict):
    """A copy of pydantic's description of a type, closed."""
    if isinstance(schema, (list, tuple)):
        return type(schema)(close(item, sent, done) for item in schema)
    if not isinstance(schema, dict):
        return schema
    if id(schema) in done:
        return done[id(schema)]
    copy = done[id(schema)] = {}
    kind = schema.get("type")
    if kind == "model" and sent:
        copy.update(type="literal", expected=["what the SDK has received"], ref=schema.get("ref"))
        return copy
    copy.update((name, value if name == "metadata" else close(value, sent, done)) for name, value in schema.items())
    if kind in ("typed-dict", "model-fields") and "extras_schema" not in schema:
        copy["extra_behavior"] = "forbid"
    if kind == "generator":
        # These are checked as they are iterated, that is, never.
        copy["type"] = "list"
    return copy
