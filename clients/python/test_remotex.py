"""Checks of remotex.py, each against servers of its own: tests/it/python.rs runs them, and starts these."""
import contextlib
import inspect
import itertools
import os
import pathlib
import pydoc
import re
import socket
import struct
import subprocess
import sys
import threading

import remotex


def raised(kind, call, *args, **kwargs):
    """The exception that a call ends in."""
    try:
        call(*args, **kwargs)
    except kind as e:
        return e
    raise AssertionError(f"it has not ended in {kind}")


def zoo(*words):
    done = subprocess.run([os.environ["ZOO"], *words], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().strip()


def board():
    board = remotex.connect("bboard")
    assert board.post("hello", by="python") is None
    assert [(news.item, news.by) for news in board.read()][-1] == ("hello", "python")
    assert [name for name in dir(board) if not name.startswith("_")] == ["post", "read"]
    docs = pydoc.render_doc(board.post, renderer=pydoc.plaintext)
    assert "Pins an item to the board.\n" in docs and "-> 'remotex::Result<()>'" in docs, docs
    signature = inspect.signature(board.post)
    assert list(signature.parameters) == ["item", "by"]
    assert signature.parameters["by"].annotation == "&str"
    assert signature.return_annotation == "remotex::Result<()>"
    assert "All that is on the board" in board.read.__doc__ and board.read.__name__ == "read"
    assert raised(AttributeError, lambda: board.nothing)
    e = raised(TypeError, board.post, "hello")
    assert str(e) == f"`post` on server `bboard`{signature}: missing a required argument: 'by'", e
    e = raised(TypeError, board.post, "hello", "me", to="all")
    assert "'to'" in str(e), e
    what = "on server `bboard` must be a `&str`, and is"
    e = raised(TypeError, board.post, "hello", by=object)
    assert str(e).startswith(f"the argument `by` of `post` {what} <class"), e
    for wrong, found in (7, "7"), (None, "null"):
        e = raised(remotex.Error, board.post, "hello", by=wrong)
        words = f"the argument `by` of `post` on server `bboard`: it must be a text, and is {found} (it is a `&str`)"
        assert (e.kind, e.may_have_run, str(e)) == ("Unsendable", False, words), e


TREE = {"Node": ["Leaf", {"Named": {"name": "elm", "of": [{"Other": 7}]}}]}
VALUES = {
    "tree": TREE, "pair": [True, "ß"], "names": {-3: 0.5, 5: None}, "places": {(1, 2): None},
    "large": 2**128 - 1, "small": -128, "path": "/a/ü", "maybe": "x",
}


def values():
    offering = remotex.connect("offering")
    tree, pair, names, places, large, small, path, maybe = offering.mirror(**VALUES)
    left, right = tree["Node"]
    assert (left, right["Named"].name, right["Named"].of) == ("Leaf", "elm", [{"Other": 7}])
    told = pair, names, places, large, small, path, maybe
    assert list(told) == list(VALUES.values())[1:], told
    # What has come can be given back.
    mirrored = offering.mirror(tree, tuple(pair), list(names.items()), places, str(large), 0.0 + small, path.encode(), None)
    assert mirrored[0] == tree and mirrored[-1] is None
    assert mirrored[1:-1] == list(VALUES.values())[1:-1], mirrored
    for char in "aé€😀":
        assert offering.mirror(**{**VALUES, "pair": (False, char)})[1] == [False, char]
    assert list(inspect.signature(offering.climb).parameters)[1] == "number_2"
    assert offering.climb("Leaf", (False, "x"), b"\xff", None, {}) == b""
    assert offering.climb("Leaf", (False, "x"), pathlib.Path("/"), bytearray(b"x"), {}) == b""
    assert offering.HEIGHT.get() == 0
    for name, value, words in [
        ("tree", "Lead", "it has no variant `Lead`; there is `Leaf`, `Node`, `Named`, `Other` (it is a `Tree`)"),
        ("tree", {"Named": {"name": "x", "of": "Leaf"}}, 'at `of`: it must be a list, and is "Leaf" (it is a `Tree`)'),
        ("pair", (True, "xy"), 'at `[1]`: it must be a text of one character, and is "xy" (it is a `(bool, char)`)'),
        ("small", 0.5, "it must be a whole number of 8 bits, and is 0.5 (it is a `i8`)"),
        ("path", {}, "it must be a text, or a list of bytes, and is an object (it is a `PathBuf`)"),
        ("maybe", 5, "it must be a text, and is 5 (it is a `Option<String>`)"),
    ]:
        e = raised(remotex.Error, offering.mirror, **{**VALUES, name: value})
        assert str(e) == f"the argument `{name}` of `mirror` on server `offering`: {words}", e
    raised(AttributeError, lambda: offering.internal)
    e = raised(remotex.Error, offering.undocumented, 7)
    assert e.kind == "Unsendable" and not e.may_have_run, e


def failures():
    offering = remotex.connect("offering")
    e = raised(remotex.Error, offering.fail, {"Wrong": {"code": 7}})
    assert (e.kind, e.value.code, e.may_have_run) == ("Raised", 7, True)
    assert str(e) == "the code is 7", e
    e = raised(remotex.Error, offering.fail, "Panic")
    assert (e.kind, e.may_have_run) == ("Panicked", True)
    assert str(e).startswith("`fail` on server `offering`: it panicked at "), e
    assert str(e).endswith(": as it was told")
    assert offering.HEIGHT.get() == 0
    animals = remotex.connect("zoo")
    pid = animals.pid()
    e = raised(remotex.Error, animals.exits)
    assert (e.kind, e.may_have_run) == ("Lost", True), e
    e = raised(remotex.Error, animals.pid)
    assert (e.kind, e.may_have_run) == ("Unreachable", False), e
    zoo("start", "zoo")
    assert animals.pid() != pid
    note = os.path.join(os.getcwd(), "no", "folder")
    e = raised(remotex.Error, animals.note, note, "x")
    assert e.kind == "Failed" and e.may_have_run and e.causes == [] and "No such file" in str(e), e
    e = raised(remotex.Error, remotex.connect, "nobody")
    assert e.kind == "Unreachable" and "nobody.sock" in str(e), e


def restarts():
    offering = remotex.connect("offering")
    for _ in range(3):
        zoo("restart", "offering")
        assert offering.HEIGHT.get() == 0
    zoo("stop", "offering")
    assert raised(remotex.Error, offering.HEIGHT.get).kind == "Unreachable"
    zoo("start", "offering")
    calls = []
    threads = [threading.Thread(target=lambda: calls.append(offering.HEIGHT.get())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [0] * 8, calls


def references():
    offering = remotex.connect("offering")
    branch = offering.fail("Not")
    grown = offering.Branch.grow(offering.Branch.grow(branch, 3), by=4)
    assert offering.Branch.grow.__name__ == "grow" and "Grows." in offering.Branch.grow.__doc__
    assert list(inspect.signature(offering.Branch.grow).parameters) == ["self", "by"]
    assert zoo("references", "offering") == "3"
    what = "the argument `self` of `Branch::grow` on server `offering`: a `Remote<Branch>` cannot be given"
    for value in "x", None, [grown]:
        e = raised(remotex.Error, offering.Branch.grow, value, 1)
        assert str(e).startswith(what), e
    assert repr(grown) == "<Remote<Branch>>"
    another = remotex.connect("offering")  # which is another session
    assert raised(remotex.Error, another.Branch.grow, branch, 1).kind == "Gone"
    assert offering.Branch.grow(branch, 1) and zoo("references", "offering") == "4"
    zoo("restart", "offering")
    e = raised(remotex.Error, offering.Branch.grow, branch, 1)
    assert (e.kind, e.may_have_run) == ("Gone", False), e


def places():
    key = zoo("key", "folders").strip('"')
    folder = os.path.join(os.environ["XDG_RUNTIME_DIR"], "remotex")
    at, = [entry.path for entry in os.scandir(folder) if re.fullmatch("folders@[0-9a-f]{16}.sock", entry.name)]
    assert remotex.connect("folders", key=key, socket=at).folder_server()[1] == key
    assert remotex.connect("folders", key=key).folder_server()[1] == key
    assert raised(remotex.Error, remotex.connect, "folders", key="other").kind == "Unreachable"
    assert raised(remotex.Error, remotex.connect, "folders", key="other", socket=at).kind == "Mismatch"
    path = os.path.join(folder, "offering.sock")
    assert remotex.connect("offering", socket=path).HEIGHT.get() == 0
    e = raised(remotex.Error, remotex.connect, "zoo", socket=path)
    assert e.kind == "Mismatch" and "this is server `offering`" in str(e), e
    os.environ["REMOTEX_OTHER"] = "Unix:" + path
    assert raised(remotex.Error, remotex.connect, "other").kind == "Mismatch"
    for address in "off", "local:", "tcp:1":
        os.environ["REMOTEX_OFFERING"] = address
        assert raised(remotex.Error, remotex.connect, "offering").kind == "Unreachable"
    os.environ["REMOTEX_OFFERING"] = ""
    assert remotex.connect("offering").HEIGHT.get() == 0


def frame(kind, body):
    return struct.pack("<IB3x", len(body), kind) + body


def fault(code, why=b""):
    return frame(0x83, remotex.sized("BI", bytes([code]), 1) + remotex.sized("BI", why, 2))


HELLO = remotex.MAGIC + frame(0, remotex.sized("BI", b"\1", 1) + remotex.sized("BI", b"fake", 2))


@contextlib.contextmanager
def stranger(says, user=None):
    """The path of one that says each of these things to one who connects, and the last one to all others."""
    path = os.path.join(os.getcwd(), "fake.sock")

    def serve():
        with contextlib.suppress(OSError):
            for at in itertools.count():
                stream, _ = listener.accept()
                with stream, contextlib.suppress(OSError):  # it stays open if it can be used again
                    stream.settimeout(0.2)
                    stream.sendall(says[min(at, len(says) - 1)])
                    stream.shutdown(socket.SHUT_WR)
                    while stream.recv(1024):
                        pass

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o777)
        us = os.geteuid()
        os.seteuid(us if user is None else user)  # who listens is who does so now
        listener.listen()
        os.seteuid(us)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield path
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            os.remove(path)


def strangers():
    """What listens and speaks wrongly."""
    for says, kind in [
        (b"HTTP/1.1 400 Bad Request\r\n", "Malformed"),
        (b"", "Unreachable"),
        (HELLO[:-1], "Unreachable"),
        (HELLO + struct.pack("<IB3x", 2**32 - 1, 0x8A), "Malformed"),
        (HELLO + frame(0x8A, b"\x04\xff\xff\xff\xff"), "Malformed"),
        (HELLO + frame(0x8A, remotex.sized("BI", b"", 4)), "Malformed"),
        (HELLO + frame(0x77, b""), "Malformed"),
        (HELLO + fault(7, b"full"), "Busy"),
        (HELLO + fault(99), "Malformed"),
        (HELLO + frame(0x83, b""), "Malformed"),
        (HELLO + frame(0x86, bytes(8)), "Unreachable"),
    ]:
        with stranger([says]) as path:
            e = raised(remotex.Error, remotex.connect, "fake", socket=path)
            assert (e.kind, e.may_have_run) == (kind, False), (says, e.kind, e)
    if os.geteuid() == 0:  # nobody else can be somebody else
        with stranger([HELLO], user=65534) as path:
            assert raised(remotex.Error, remotex.connect, "fake", socket=path).kind == "Denied"


def said():
    """What is wrong with the reply to a call: one function, with an offer that is as it should be."""
    def part(tag, value):
        return remotex.sized("BI", value, tag)

    empty = b"\x80"
    offer = HELLO + frame(0x8A, part(4, part(1, b"call") + part(3, b"fake") + part(8, b"Vec<()>")))
    for says, kind, may_have_run in [
        (b"", "Lost", True),
        (HELLO, "Lost", True),
        (HELLO + frame(0x81, empty)[:-1], "Lost", True),
        (HELLO + frame(0x81, b"\x81"), "Malformed", True),
        (HELLO + frame(0x81, empty * 2), "Malformed", True),
        (HELLO + frame(0x81, b"\x9B" + b"\xFF" * 8), "Malformed", True),
        (HELLO + frame(0x81, b"\x5A\x7F\xFF\xFF\xFF"), "Malformed", True),
        (HELLO + frame(0x81, b"\xA1\x01"), "Malformed", True),
        (HELLO + frame(0x82, b""), "Malformed", True),
        (HELLO + frame(0x82, empty), "Raised", True),
        (HELLO + frame(0x8E, b"\4\0\0\0text" + empty), "Raised", True),
        (HELLO + frame(0x99, b""), "Malformed", True),
        (HELLO + frame(0x86, struct.pack("<Q", 1)), "Malformed", True),
        (HELLO + frame(0x86, bytes(8)), "Unreachable", False),
        (HELLO + fault(1, b"\xff"), "Failed", True),
        (HELLO + fault(3), "UnknownFunction", False),
        (HELLO + fault(10, b"no"), "Denied", False),
    ]:
        with stranger([offer, says, HELLO + frame(0x81, empty)]) as path:
            fake = remotex.connect("fake", socket=path)
            e = raised(remotex.Error, fake.call)
            assert (e.kind, e.may_have_run) == (kind, may_have_run), (says, e.kind, e)
            assert fake.call() == []


if __name__ == "__main__":
    checks = board, values, failures, restarts, references, places, strangers, said
    {check.__name__: check for check in checks}[sys.argv[1]]()
