"""A client that asks for work by chance, and notes what it asked for and what it was answered."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.acceptance.code_jobs import asset
from tests.acceptance.rest import Json, Rest
from tests.acceptance.work import module
from tests.chaos.world import World
from tests.make import eventually

ADDRESS = "ann@example.com"
CRON_JOBS = 3
BAD = -1
MODEL = """
class Model:
    def predict(self, rows):
        values = [row[0] for row in rows.to_numpy()]
        if min(values) < 0:
            raise ValueError("a negative value")
        return [2 * value for value in values]
"""
FUNCTION = """
import time

def note(word, key):
    with open({trace!r}, "a") as file:
        file.write(f"{{word}} {{key}} {{time.time()}}\\n")

def score(payload):
    number, seconds = payload["input_data"][0]["values"][0]
    note("begin", f"call-{{number}}")
    time.sleep(seconds)
    note("end", f"call-{{number}}")
    return {{"predictions": [{{"fields": ["n"], "values": [[3 * number]]}}]}}
"""
SCRIPT = """
import os, time

def note(word):
    with open({trace!r}, "a") as file:
        file.write(f"{{word}} {{os.environ['KEY']}} {{time.time()}}\\n")

note("begin")
time.sleep(float(os.environ["SECONDS"]))
note("end")
"""


@dataclass
class Ask:
    """One thing asked for: ``key`` names it everywhere, ``answers`` are the ids of whatever was made of it."""

    kind: str
    key: str
    number: int
    rows: list[int] = field(default_factory=list)
    answers: set[str] = field(default_factory=set)
    at: float = 0.0


@dataclass
class Load:
    """Asks until it is told to stop; what got no answer is asked for again, by the same key."""

    world: World
    seed: int
    asks: list[Ask] = field(default_factory=list)
    sessions: list[Rest] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    retries: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    scheduled_until: float = 0.0

    def prepare(self) -> None:
        """Make what is asked for later: a space, deployments, a script and jobs of every minute."""
        self.sessions += [Rest(member.server) for member in self.world.doors if member.server]
        rest = self.sessions[0]
        self.space_id = rest.enter_new_space()
        trace = str(self.world.trace)
        self.function = rest.deployment(rest.function(FUNCTION.format(trace=trace)))
        with module("doubling", MODEL) as doubling:
            model = rest.model(doubling.Model(), modules={"doubling": MODEL}, fields=[("a", "double")])
        self.model = rest.deployment(model)
        self.script, _ = asset(rest, "script", "script.py", SCRIPT.format(trace=trace).encode())
        for session in self.sessions:
            session.space_id = self.space_id
            session.http.timeout = httpx.Timeout(6)
        self.by_hand = self._made_job("by hand", seconds=2.0)
        for number in range(CRON_JOBS):
            ask = Ask("cron", f"cron-{number}", number)
            ask.answers.add(self._made_job(ask.key, seconds=0.3, schedule="* * * * *"))
            ask.at = time.time()
            self.asks.append(ask)

    def run(self) -> None:
        """Ask until ``stopping``."""
        chance, number = random.Random(self.seed), 0
        kinds: dict[str, Callable[[Ask], str]] = {
            "call": self._call,
            "rows": self._rows,
            "script": self._script,
            "tick": self._tick,
        }
        while not self.stopping.is_set():
            kind = chance.choices(list(kinds), weights=(6, 4, 1, 2))[0]
            rows = [BAD if chance.random() < 0.1 else chance.randrange(1000) for _ in range(20)]
            ask = Ask(kind, f"{kind}-{number}", number, rows)
            self.asks.append(ask)
            self._until_acknowledged(ask, kinds[kind], chance)
            number += 1
            self.stopping.wait(chance.uniform(0.05, 0.5))

    def end_schedules(self) -> None:
        """Take the schedules off; ticks before ``scheduled_until`` must have come."""
        self.scheduled_until = time.time()
        off = [{"op": "add", "path": "/entity/job/schedule", "value": ""}]
        for ask in self.asks:
            if ask.kind == "cron":
                (job_id,) = ask.answers
                path = f"/v2/jobs/{job_id}"
                eventually(lambda path=path: self._is_sent(path, off), within=60, every=0.3)  # type: ignore[misc]

    def close(self) -> None:
        for session in self.sessions:
            session.http.close()

    def _until_acknowledged(self, ask: Ask, send: Callable[[Ask], str], chance: random.Random) -> None:
        """Ask again after each failure, and now and then after a success: the answer has to be the same."""
        again = chance.random() < 0.05 and ask.kind != "tick"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                ask.answers.add(send(ask))
            except (httpx.TransportError, Unavailable):
                self.retries += 1
                time.sleep(0.3)
                continue
            if not again:
                return
            again = False
        self.refused.append(f"{ask.key} was not acknowledged within two minutes")

    def _call(self, ask: Ask) -> str:
        return self._submit(ask, self.function, [[ask.number, (ask.number % 5) / 5]], {})

    def _rows(self, ask: Ask) -> str:
        return self._submit(ask, self.model, [[row] for row in ask.rows], {"error_threshold": 20})

    def _submit(self, ask: Ask, deployment: str, values: list[list[float]], more: Json) -> str:
        scoring = {"input_data": [{"fields": ["a"] if more else ["n", "s"], "values": values}], **more}
        body = {"name": ask.key, "space_id": self.space_id, "deployment": {"id": deployment}, "scoring": scoring}
        answer = self._send(self._any(), "POST", "/ml/v4/deployment_jobs", key=ask.key, json=body)
        return str(answer["entity"]["platform_job"]["run_id"])

    def _script(self, ask: Ask) -> str:
        variables = [f"KEY={ask.key}", "SECONDS=2"]
        body = {"job_run": {"name": ask.key, "configuration": {"env_variables": variables}}}
        return str(self._send(self._any(), "POST", f"/v2/jobs/{self.by_hand}/runs", key=ask.key, json=body)["asset_id"])

    def _tick(self, ask: Ask) -> str:
        """Make a job that is due once, soon. Jobs have no idempotency key: one that got no answer may be there."""
        start = int((time.time() + 3) * 1000)
        return self._made_job(ask.key, seconds=0.3, schedule_info={"repeat": False, "startOn": start})

    def _made_job(self, name: str, *, seconds: float, **schedule: object) -> str:
        job = {
            "name": name,
            "asset_ref": self.script,
            "configuration": {"env_variables": [f"KEY={name}", f"SECONDS={seconds}"]},
            "notification_types": {"success": True, "failure": True},
            "notification_recipients": [ADDRESS],
            **schedule,
        }
        return str(self._send(self._any(), "POST", "/v2/jobs", json={"job": job})["asset_id"])

    def _is_sent(self, path: str, operations: list[Json]) -> bool:
        try:
            self._send(self._any(), "PATCH", path, json=operations)
        except (httpx.TransportError, Unavailable):
            self.retries += 1
            return False
        return True

    def _any(self) -> Rest:
        return self.sessions[(len(self.asks) + self.retries) % len(self.sessions)]

    def _send(self, rest: Rest, method: str, path: str, *, key: str = "", **request: object) -> Json:
        headers = {"Idempotency-Key": key} if key else {}
        answer = rest.http.request(method, path, params={"space_id": self.space_id}, headers=headers, **request)  # type: ignore[arg-type]
        # A request that lay before a paused server may come after the one time that it asks for.
        if answer.status_code >= 500 or "all times of this schedule are over" in answer.text:
            raise Unavailable(answer.text)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        return dict(answer.json())


class Unavailable(Exception):
    """The server says that it cannot now."""
