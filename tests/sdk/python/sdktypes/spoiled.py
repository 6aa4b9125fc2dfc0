"""Lines that no reader may take, to see that each can tell."""

import base64


def spoiled(line: dict) -> dict:
    if "status" in line:
        # An error without its words.
        return {**line, "body": {}}
    if "base64" in line:
        stream = bytearray(base64.b64decode(line["base64"]))
        stream[-5] ^= 1
        return {**line, "base64": base64.b64encode(stream).decode()}
    if "text" in line:
        return {**line, "text": line["text"].replace("{", '{"unheard_of": 1, ', 1)}
    return {**line, "body": {**line["body"], "unheard_of": 1}}
