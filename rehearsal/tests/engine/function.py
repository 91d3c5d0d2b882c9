#!/usr/bin/env python3
"""A custom resource's function that does as the resource's properties say.

``On<RequestType>`` is a list of words: ``gate`` connects to ``Gate`` and waits
until it is let go, ``die`` ends the process the first time that a request is
delivered, ``silent`` answers nothing, ``fail`` answers FAILED. An ``Id`` is
answered as the physical id, unless it is empty.
"""

import http.client
import json
import os
import pathlib
import socket
import time
import urllib.parse
import urllib.request

NEXT = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"


def answer(event, status):
    properties = event["ResourceProperties"]
    body = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    body |= {"Status": status, "Reason": "as the test wants it"}
    body["Data"] = {"RequestType": event["RequestType"]}
    body["PhysicalResourceId"] = event.get("PhysicalResourceId") or properties.get("Id")
    if event["RequestType"] == "Update" and properties.get("Id"):
        body["PhysicalResourceId"] = properties["Id"]
    data = json.dumps({key: value for key, value in body.items() if value}).encode()
    # Without a Content-Type, which the signature would not cover: urllib adds one.
    url = urllib.parse.urlsplit(event["ResponseURL"])
    bucket = http.client.HTTPSConnection(urllib.parse.urlsplit(os.environ["HTTPS_PROXY"]).netloc)
    bucket.set_tunnel(url.netloc, 443)
    bucket.request("PUT", f"{url.path}?{url.query}", data)
    if bucket.getresponse().status != 200:
        raise RuntimeError("the bucket refused the answer")


def handle(event):
    properties = event["ResourceProperties"]
    words = properties.get(f"On{event['RequestType']}", [])
    if "gate" in words:
        host, port = properties["Gate"].split(":")
        with socket.create_connection((host, int(port))) as gate:
            gate.recv(1)
    delivered = pathlib.Path(properties["Folder"], event["RequestId"])
    if "die" in words and not delivered.exists():
        delivered.touch()
        os._exit(1)
    if "silent" not in words:
        answer(event, "FAILED" if "fail" in words else "SUCCESS")


while True:
    with urllib.request.urlopen(f"{NEXT}/next") as request:
        event, about = json.load(request), request.headers
    print("event", json.dumps(event), flush=True)
    print("environment", json.dumps(dict(os.environ)), flush=True)
    left = int(about["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time()
    print("seconds left", round(left), flush=True)
    handle(event)
    done = f"{NEXT}/{about['Lambda-Runtime-Aws-Request-Id']}/response"
    with urllib.request.urlopen(done, b"null"):
        pass
