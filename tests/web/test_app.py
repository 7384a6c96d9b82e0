"""The application: what it sends, what it refuses, and that nothing hostile gets further than it should."""

import asyncio
import json
import re
import threading
from importlib import resources

import httpx
import pytest

from fasts2s.web import _app
from fasts2s.web._app import make_app
from tests.web.conftest import send

PAGE = resources.files("fasts2s.web").joinpath("page")
FILES = ["/", "/page.css", "/page.js", "/drawing.js", "/texts.js", "/icon.svg"]


@pytest.fixture
def app(models):
    return make_app(models)


def _ask(app, **fields):
    return send(app, "POST", "/answer", json={"model": "sums", "text": "7+11", **fields})


# ---- what it sends -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES)
def test_files_of_the_page_are_sent_as_they_are(app, path):
    came = send(app, "GET", path)
    assert came.status_code == 200
    assert came.content == PAGE.joinpath(path[1:] or "index.html").read_bytes()
    policy = dict(part.strip().split(" ", 1) for part in came.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert came.headers["x-content-type-options"] == "nosniff"


def test_every_file_of_the_page_is_sent():
    assert {f"/{path.name}" for path in PAGE.iterdir()} - {"/index.html"} == set(FILES) - {"/"}


def test_the_page_asks_nobody_else():
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert re.findall(r"https?:|//\w+\.\w|@import|url\(", text) == [], path.name


def test_the_page_makes_no_html_of_texts():
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8")
        assert (
            re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|\son\w+=", text) == []
        )
        assert not re.search(r"<script(?! type=\"module\" src=)|<style|style=", text)


def test_all_languages_say_the_same_things():
    text = PAGE.joinpath("texts.js").read_text(encoding="utf-8")
    found = {}
    for language, block in re.findall(r"^const (en|ko|ja) = \{\n(.*?)^\};", text, re.DOTALL | re.MULTILINE):
        said = re.findall(r'^  (\w+): "(.*)",$', block, re.MULTILINE)
        assert len(said) == block.count("\n")
        found[language] = {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in said}
    assert found["en"] == found["ko"] == found["ja"]
    assert len(found["en"]) > 40
    page = "".join(path.read_text(encoding="utf-8") for path in PAGE.iterdir())
    assert {a or b for a, b in re.findall(r'data-text="(\w+)"|say\("(\w+)"', page)} <= set(found["en"])


def test_models_are_listed(app):
    listed = send(app, "GET", "/models").json()
    assert [model["name"] for model in listed["models"]] == ["pairs", "plain", "sums", "looks", "words"]
    assert listed["most_text"] == 2000


ASKED = {"pairs": "one two", "plain": "two", "sums": "1+2", "looks": "3+4", "words": "you say"}


@pytest.mark.parametrize(("model", "text"), ASKED.items(), ids=list(ASKED))
def test_every_kind_of_model_answers(app, model, text):
    came = _ask(app, model=model, text=text, beam=3, nbest=2, length=5)
    assert came.status_code == 200
    assert came.headers["content-type"] == "application/json"
    assert set(came.json()) == {"asked", "h", "unknown", "cut", "answers"}
    assert len(came.json()["answers"]) == 2


# ---- what it refuses ---------------------------------------------------------------------------------------------


def _refused(came, status, code):
    assert came.status_code == status, came.text
    assert came.json()["error"] == code
    assert came.json()["message"]
    assert "content-security-policy" in came.headers
    assert "Traceback" not in came.text
    assert "/tmp" not in came.text


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/page.css/../../_app.py",
        "/page/index.html",
        "/index.html",
        "//etc/passwd",
        "/models.npz",
        "/page.js%00.css",
        "/C:/windows/win.ini",
    ],
)
def test_no_path_leads_to_another_file(app, path):
    async def run():
        scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "query_string": b"",
                 "path": path.replace("%2f", "/").replace("%2e", ".").replace("%00", "\0"), "raw_path": path.encode(),
                 "headers": [(b"host", b"localhost")], "server": ("127.0.0.1", 80), "root_path": ""}  # fmt: skip
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def keep(message):
            sent.append(message)

        await app(scope, receive, keep)
        return sent

    sent = asyncio.run(run())
    assert sent[0]["status"] == 404
    assert json.loads(sent[1]["body"])["error"] == "not_here"


@pytest.mark.parametrize("model", ["none", "", "../sums", "/etc/passwd", "sums\0", "__class__"])
def test_an_unknown_model_is_no_path(app, model):
    _refused(_ask(app, model=model), 404, "unknown_model")


def test_methods_that_are_not_there(app):
    _refused(send(app, "GET", "/answer"), 405, "method")
    _refused(send(app, "DELETE", "/"), 405, "method")


HOSTILE = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "one\0two", "\x1b[2J\x07", "\u202eone"]
HOSTILE += ["$(rm -rf /)", "' OR 1=1 --", "one " * 499, "한국어 日本語 🙂"]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
@pytest.mark.parametrize("model", ["pairs", "sums", "words"])
def test_hostile_texts_are_answered_or_refused(app, model, text):
    came = _ask(app, model=model, text=text)
    assert came.status_code in {200, 422}
    assert came.headers["content-type"] == "application/json"
    assert came.content.isascii()
    if came.status_code == 422:
        _refused(came, 422, "refused")


def test_a_megabyte_is_refused_said_or_not(app):
    _refused(_ask(app, text="1" * 2**20), 413, "too_long")
    _refused(_ask(app, text="1" * 2001), 413, "too_long")

    async def parts():
        for _ in range(100_000):
            yield b"x" * 1024
            given.append(1024)

    given = []
    came = send(app, "POST", "/answer", content=parts(), headers={"content-type": "application/json"})
    _refused(came, 413, "too_long")


def test_a_stream_is_read_no_further_than_its_limit(app):
    async def run():
        asked = 0
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "query_string": b"",
                 "path": "/answer", "raw_path": b"/answer", "headers": headers, "root_path": ""}  # fmt: skip
        sent = []

        async def receive():
            nonlocal asked
            asked += 1
            return {"type": "http.request", "body": b"x" * 1024, "more_body": True}

        async def keep(message):
            sent.append(message)

        await app(scope, receive, keep)
        return asked, sent[0]["status"]

    asked, status = asyncio.run(run())
    assert status == 413
    assert asked == 33


@pytest.mark.parametrize("said", ["99999999999999999999", "-5", "many"])
def test_a_wrong_content_length_is_no_error_of_ours(app, said):
    headers = {"content-type": "application/json", "content-length": said}
    came = send(app, "POST", "/answer", content=b"{}", headers=headers)
    assert came.status_code == (413 if said.startswith("9") else 400)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_another_site_may_send_without_asking_is_refused(app, kind):
    body = json.dumps({"model": "sums", "text": "1+1"})
    _refused(send(app, "POST", "/answer", content=body, headers={"content-type": kind}), 415, "wrong")


def test_a_request_that_never_ends_is_given_up(app, monkeypatch):
    monkeypatch.setattr(_app, "PATIENCE", 0.05)

    async def parts():
        yield b"{"
        await asyncio.sleep(5)

    headers = {"content-type": "application/json"}
    _refused(send(app, "POST", "/answer", content=parts(), headers=headers), 408, "slow")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("127.0.0.1", 200),
        ("localhost:8000", 200),
        ("LOCALHOST", 200),
        ("[::1]:8000", 200),
        ("192.168.0.7:8000", 200),
        ("class.example:8000", 200),
        ("evil.example", 421),
        ("evil.example:8000", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost:8000@evil.example", 421),
        ("", 421),
        ("[::1", 421),
    ],
)
def test_only_our_own_names_are_answered(models, host, status):
    came = send(make_app(models, names=["class.example"]), "GET", "/models", headers={"host": host})
    assert came.status_code == status
    if status == 421:
        _refused(came, 421, "host")


# ---- many at a time ----------------------------------------------------------------------------------------------


class Slow:
    """A model that waits, and counts who is inside."""

    def __init__(self):
        self.goes_on, self.inside, self.most, self.asked = threading.Event(), 0, 0, []

    def facts(self):
        return {"kind": "pairs"}

    def answer(self, question):
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.goes_on.wait(10)
        self.asked.append(question.text)
        self.inside -= 1
        if question.text == "bad":
            raise FloatingPointError("scores are not finite")
        return {"text": question.text}


def _many(app, slow, texts):
    async def run():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            tasks = [
                asyncio.create_task(client.post("/answer", json={"model": "slow", "text": text})) for text in texts
            ]
            await asyncio.sleep(0.2)
            # The page itself is still there.
            assert (await client.get("/models")).status_code == 200
            slow.goes_on.set()
            return await asyncio.gather(*tasks)

    return asyncio.run(run())


def test_one_is_answered_at_a_time_and_too_many_are_refused():
    slow = Slow()
    app = make_app({"slow": slow}, most_waiting=4)
    came = _many(app, slow, [str(k) for k in range(7)])
    assert [one.status_code for one in came] == [200] * 4 + [429] * 3
    _refused(came[-1], 429, "busy")
    assert came[-1].headers["retry-after"] == "1"
    assert [one.json()["text"] for one in came[:4]] == slow.asked == list("0123")
    assert slow.most == 1
    assert [one.status_code for one in _many(app, slow, "abcd")] == [200] * 4, "the places are free again"


def test_a_failed_answer_frees_its_place():
    slow = Slow()
    slow.goes_on.set()
    app = make_app({"slow": slow}, most_waiting=1)
    for _ in range(3):
        came = send(app, "POST", "/answer", json={"model": "slow", "text": "bad"})
        _refused(came, 422, "refused")
        assert "not finite" in came.json()["message"]
    assert send(app, "POST", "/answer", json={"model": "slow", "text": "good"}).status_code == 200
