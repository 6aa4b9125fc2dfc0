"""Judges signatures by botocore's own signer.

Reads a JSON list of requests as a server received them, with the keys they should be signed with, and prints a JSON list:
null for a signature that botocore would have made, else what is wrong.
"""

import hashlib
import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def fault(case):
    headers = {name.lower(): value for name, value in case["headers"]}
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme != "AWS4-HMAC-SHA256":
        return "not signed: " + scheme
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    access_key, date, region, service, _ = parts["Credential"].split("/")
    keys = case["keys"]
    expected = (keys["accessKeyId"], case["region"], case["service"])
    if (access_key, region, service) != expected:
        return f"credential {parts['Credential']}, expected {expected}"
    if headers.get("x-amz-security-token") != keys.get("sessionToken"):
        return "the session token is another one"
    body = case["body"].encode()
    if headers.get("x-amz-content-sha256", hashlib.sha256(body).hexdigest()) != hashlib.sha256(body).hexdigest():
        return "x-amz-content-sha256 is not the body's"
    signed = parts["SignedHeaders"].split(";")
    missing = {"host", "x-amz-date"} | ({"x-amz-security-token"} if keys.get("sessionToken") else set())
    if missing - set(signed):
        return f"not signed: {missing - set(signed)}"
    request = AWSRequest(
        method=case["method"],
        url=f"https://{case['host']}{case['path']}",
        headers={name: case["host"] if name == "host" else headers[name] for name in signed},
        data=body,
    )
    request.context["timestamp"] = headers["x-amz-date"]
    if headers["x-amz-date"][:8] != date:
        return "two dates"
    signer = SigV4Auth(Credentials(keys["accessKeyId"], keys["secretAccessKey"], keys.get("sessionToken")), service, region)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    if signature != parts["Signature"]:
        return "botocore signs otherwise:\n" + canonical
    return None


print(json.dumps([fault(case) for case in json.load(sys.stdin)]))
