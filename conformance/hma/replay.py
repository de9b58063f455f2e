"""Sends what was recorded of a running HMA to Seawall, and compares status, content type and body.

`recorded.json` holds one line for each request, in the order of the recording: what was sent, what HMA 1.1.7 answered, and,
where Seawall answers otherwise on purpose, why and what. A body is compared value by value; what cannot be the same is a
placeholder:

  {pdq} {near_bits} …  computed here from the files by the Python package threatexchange
  <hash> <id> <time>   any hash, any number of content, any time since 2001
  <text> <page>        any text; any page of HTML or redirect
  <sorted>             before the elements of a list whose order does not matter

A line with `step` was not recorded: it brings Seawall to where HMA was after it had done what Seawall refuses to do.
"""

import json
import pathlib
import re

RECORDED = pathlib.Path(__file__).with_name("recorded.json")
REQUESTS_MIN = 60
HASH = re.compile("[0-9a-f]{32,64}")
TIME_MIN = 1_000_000_000


def load():
    lines = RECORDED.read_text().splitlines()
    return [json.loads(line.rstrip(",")) for line in lines if line.startswith("{")]


def fill(value, names):
    """The value with `{name}` filled in."""
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace("{" + name + "}", text)
        return value
    if isinstance(value, list):
        return [fill(element, names) for element in value]
    if isinstance(value, dict):
        return {key: fill(element, names) for key, element in value.items()}
    return value


def differences(expected, found, place="body"):
    """What is different, each with its place."""
    if expected == "<text>":
        return [] if isinstance(found, str) and found else [f"{place}: no text but {found!r}"]
    if expected == "<hash>":
        return [] if isinstance(found, str) and HASH.fullmatch(found) else [f"{place}: no hash but {found!r}"]
    if expected == "<id>":
        return [] if isinstance(found, int) and found > 0 else [f"{place}: no id but {found!r}"]
    if expected == "<time>":
        return [] if isinstance(found, int) and found > TIME_MIN else [f"{place}: no time but {found!r}"]
    if isinstance(expected, dict) and isinstance(found, dict):
        wrong = [f"{place}.{key}: missing" for key in expected.keys() - found.keys()]
        wrong += [f"{place}.{key}: too much" for key in found.keys() - expected.keys()]
        for key in expected.keys() & found.keys():
            wrong += differences(expected[key], found[key], f"{place}.{key}")
        return wrong
    if isinstance(expected, list) and isinstance(found, list):
        if expected and expected[0] == "<sorted>":
            expected = sorted(expected[1:], key=json.dumps)
            found = sorted(found, key=lambda element: json.dumps(element, sort_keys=True))
            expected = sorted(expected, key=lambda element: json.dumps(element, sort_keys=True))
        if len(expected) != len(found):
            return [f"{place}: {len(found)} elements, not {len(expected)}"]
        return [wrong for idx, pair in enumerate(zip(expected, found)) for wrong in differences(*pair, f"{place}[{idx}]")]
    # 1 and 1.0 are one number, but true is none.
    same = expected == found and isinstance(expected, bool) == isinstance(found, bool)
    return [] if same else [f"{place}: {found!r}, not {expected!r}"]


def compare(expected, answer, names):
    """What of an answer is not as expected."""
    wrong = []
    if answer.status != expected["status"]:
        wrong.append(f"status {answer.status}, not {expected['status']}")
    body = fill(expected["body"], names)
    if body == "<page>":
        return wrong
    if answer.content_type != expected["type"]:
        wrong.append(f"type {answer.content_type}, not {expected['type']}")
    if expected["type"] != "application/json":
        return wrong + differences(body, answer.body.decode())
    try:
        return wrong + differences(body, answer.json())
    except ValueError:
        return [*wrong, f"not JSON: {answer.body[:200]!r}"]


def send(server, request, files, names):
    path = fill(request["path"], names)
    if "json" in request:
        return server.json(request["method"], path, fill(request["json"], names))
    if "files" in request:
        parts = [(part, name, files[name]) for part, name in request["files"]]
        return server.form(path, parts, fill(request.get("fields", {}), names))
    if "text" in request:
        headers = {"content-type": request.get("type", "application/x-www-form-urlencoded")}
        return server.send(request["method"], path, headers, request["text"].encode())
    return server.send(request["method"], path)


def run(server, files, names):
    """Replays everything; returns what is wrong, and how many agreed and differ on purpose."""
    wrong, n_agreed, reasons = [], 0, {}
    for line in load():
        answer = send(server, line["request"], files, names)
        if "step" in line:
            if answer.status != 200:
                wrong.append(f"{line['step']}: status {answer.status}")
            continue
        title = f"{line['name']} ({line['request']['method']} {line['request']['path'][:60]})"
        on_purpose = line.get("ours")
        found = compare(on_purpose or line["hma"], answer, names)
        wrong += [f"{title}: {what}" for what in found]
        if on_purpose:
            if not compare(line["hma"], answer, names):
                wrong.append(f"{title}: is listed as a difference, but there is none")
            reasons.setdefault(on_purpose["why"], []).append(line["name"])
        elif not found:
            n_agreed += 1
    n_different = sum(len(names) for names in reasons.values())
    print(f"  {n_agreed} requests answered as HMA does, {n_different} otherwise on purpose:")
    for why, titles in sorted(reasons.items(), key=lambda pair: -len(pair[1])):
        print(f"    {len(titles):>3}  {why}")
    if n_agreed < REQUESTS_MIN:
        wrong.append(f"only {n_agreed} requests agree, {REQUESTS_MIN} are needed")
    return wrong
