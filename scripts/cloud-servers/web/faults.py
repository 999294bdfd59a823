"""Failures on request, and what was asked so far. All of it is at /_control, which only this machine reaches.

POST /_control/rules with a JSON object makes a rule and answers {"id": …}. Which requests it is for:
    method      "PUT"; any without it
    path        what the decoded path and query contain, such as the name of a bucket of one test
    header      {"name": …, "contains": …} of a request
    skip, count how many such requests pass before, and how many it is for: all without `count`
    fraction, seed   it is for this share of them, drawn from a generator that starts with `seed`
What it does to them:
    delay       seconds that nothing happens
    status, retry_after, code   the answer, in the form of the cloud's errors; nothing else happens
    break_request_after   the connection ends when so many bytes of the body were read
    break_after           the connection ends when so many bytes of the answer's body were written
    drop_answer           the request is carried out, and the connection ends without an answer
    wrong_checksum        the checksums in the answer are those of something else
    corrupt               the first byte of the answer's body is another
    no_range              a 308 does not say how much it has
    clock_offset          seconds that the server's clock is ahead for them; last rule wins
Everything else in it goes to the application: see the class that answers.
GET /_control/rules lists them with `hits`. DELETE /_control/rules and /_control/rules/ID remove them.
GET /_control/requests?path=… lists the last requests, oldest first: method, target, headers but Authorization's value, status.
Other paths under /_control are the application's.
"""

import collections
import hmac
import json
import random
import threading
import time
import traceback
from urllib.parse import unquote

from .content import Content
from .messages import Broken, Refused, Response, http_date

KEPT = 20_000


class Rule:
    def __init__(self, identifier, wanted):
        self.identifier = identifier
        self.wanted = wanted
        self.hits = 0
        self.skip = wanted.get("skip", 0)
        self.count = wanted.get("count")
        self.generator = random.Random(wanted.get("seed", 0))

    def takes(self, request):
        wanted = self.wanted
        if wanted.get("method", request.method) != request.method:
            return False
        if wanted.get("path", "") not in unquote(request.target):
            return False
        header = wanted.get("header")
        if header is not None and header.get("contains", "") not in request.headers.get(header["name"].lower(), "\n"):
            return False
        if "fraction" in wanted and self.generator.random() >= wanted["fraction"]:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count is not None and self.hits >= self.count:
            return False
        self.hits += 1
        return True


class Faults:
    def __init__(self):
        self.rules = {}
        self.made = 0
        self.requests = collections.deque(maxlen=KEPT)
        self.lock = threading.Lock()

    def answer(self, request, application):
        """The answer, or None when the connection is to end without one."""
        request.now = time.time()
        if request.raw_path.startswith("/_control/"):
            return self.control(request, application)
        with self.lock:
            for rule in self.rules.values():
                if rule.takes(request):
                    request.effects |= rule.wanted
        effects = request.effects
        request.now += effects.get("clock_offset", 0)
        request.body.break_after = effects.get("break_request_after")
        if effects.get("delay"):
            time.sleep(effects["delay"])
        entry = {"method": request.method, "target": request.target, "headers": _safe(request.headers), "status": 0}
        self.requests.append(entry)
        try:
            response = self.respond(request, application)
        except Broken:
            return None
        entry["status"] = response.status
        if effects.get("drop_answer"):
            return None
        if effects.get("no_range") and response.status == 308:
            response.headers.pop("Range", None)
        if effects.get("wrong_checksum"):
            application.spoil(response)
        if effects.get("corrupt") and response.length:
            whole = response.body if isinstance(response.body, Content) else Content.of(response.body)
            first = whole.slice(0, 1).bytes()[0] ^ 1
            response.body = Content.joined([Content.of([first]), whole.slice(1, whole.length)])
        response.headers.setdefault("Date", http_date(request.now))
        return response

    def respond(self, request, application):
        effects = request.effects
        if "status" in effects:
            response = application.failure(request, effects["status"], effects.get("code"))
            if "retry_after" in effects:
                response.headers["Retry-After"] = str(effects["retry_after"])
            return response
        try:
            return application.respond(request)
        except Refused as error:
            return application.failure(request, error.status, None)
        except OSError:
            raise
        except Exception:
            traceback.print_exc()
            return application.failure(request, 500, None)

    def control(self, request, application):
        if request.peer not in ("127.0.0.1", "::1"):
            return Response(403)
        segments = request.segments()[1:]
        body = request.body.read()
        try:
            wanted = json.loads(body) if body else {}
            answer = self.controlled(request, segments, wanted, application)
        except (ValueError, KeyError, TypeError) as error:
            return _json({"error": repr(error)}, 400)
        return _json(answer if answer is not None else {"error": "there is nothing here"}, 200 if answer is not None else 404)

    def controlled(self, request, segments, wanted, application):
        with self.lock:
            match (request.method, *segments):
                case ("POST", "rules"):
                    self.made += 1
                    self.rules[str(self.made)] = Rule(str(self.made), wanted)
                    return {"id": str(self.made)}
                case ("GET", "rules"):
                    return [{"id": rule.identifier, "hits": rule.hits, **rule.wanted} for rule in self.rules.values()]
                case ("DELETE", "rules"):
                    self.rules.clear()
                    return {}
                case ("DELETE", "rules", identifier):
                    return {"hits": self.rules.pop(identifier).hits}
                case ("GET", "requests"):
                    part = request.parameter("path", "")
                    return [entry for entry in list(self.requests) if part in unquote(entry["target"])]
        return application.control(request, segments, wanted)


def same(one, other):
    """Compares secrets or signatures."""
    return hmac.compare_digest(one.encode(), other.encode())


def _safe(headers):
    return {name: "…" if name == "authorization" else value for name, value in headers.items()}


def _json(value, status):
    return Response(status, {"Content-Type": "application/json"}, json.dumps(value).encode())
