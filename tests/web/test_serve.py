"""The command: it serves on this machine alone, says where, ends quietly, and says in one line what it cannot do."""

import os
import re
import socket
import sys

import httpx
import pytest

from fasts2s.cli import main
from fasts2s.commands import serve as serve_command
from fasts2s.web import _server
from tests.web.served import served

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a process is ended there in another way")


def test_it_serves_until_ctrl_c(folders):
    with served(folders / "sums", folders / "words") as address:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        with httpx.Client(base_url=address) as client:
            assert [model["name"] for model in client.get("models").json()["models"]] == ["sums", "words"]
            came = client.post("answer", json={"model": "sums", "text": "7+11"})
            assert len(came.json()["answers"]) == 1
            assert "server" not in came.headers
            assert client.get("/", headers={"host": "evil.example"}).status_code == 421


def _said(capsys, *arguments):
    capsys.readouterr()
    assert main(["serve", *map(str, arguments)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


def test_what_it_cannot_serve_is_said_in_one_line(folders, tmp_path, capsys):
    assert "there is no" in _said(capsys, tmp_path)
    (tmp_path / "model.npz").write_bytes(b"nonsense")
    assert "model.npz" in _said(capsys, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = _said(capsys, folders / "sums", "--port", port)
    assert f"cannot listen on 127.0.0.1, port {port}" in said
    assert "cannot listen on no.such.host.invalid" in _said(
        capsys, folders / "sums", "--host", "no.such.host.invalid"
    )


def test_without_the_extra_it_names_the_command(folders, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'fasts2s[web]'" in _said(capsys, folders / "sums")


def test_the_browser_is_opened_when_asked_for(folders, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr(serve_command.webbrowser, "open", opened.append)

    def run(app, listening, when_ready):
        when_ready()
        raise KeyboardInterrupt

    monkeypatch.setattr(_server, "run", run)
    assert main(["serve", str(folders / "sums"), "--port", "0", "--open"]) == 0
    assert opened == [re.search(r"http://\S+/", capsys.readouterr().out)[0]]


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")])
def test_the_address_can_be_typed(host, shown):
    with _server.open_socket(host, 0) as listening:
        assert _server.address_of(listening) == f"http://{shown}:{listening.getsockname()[1]}/"
