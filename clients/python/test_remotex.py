"""Checks of remotex.py, each against servers of its own: tests/it/python.rs runs them, and starts these."""
import contextlib
import inspect
import os
import pydoc
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
    with remotex.connect("bboard") as board:
        assert board.post("hello", by="python") is None
        assert [(news.item, news.by) for news in board.read()][-1] == ("hello", "python")
        assert [name for name in dir(board) if not name.startswith("_")] == ["close", "post", "read"]
        docs = pydoc.render_doc(board.post, renderer=pydoc.plaintext)
        assert "Pins an item to the board.\n" in docs and "remotex::Result<()>" in docs, docs
        signature = inspect.signature(board.post)
        assert list(signature.parameters) == ["item", "by"]
        assert signature.parameters["by"].annotation == "&str"
        assert signature.return_annotation == "remotex::Result<()>"
        assert "All that is on the board" in board.read.__doc__ and board.read.__name__ == "read"
        assert raised(AttributeError, lambda: board.nothing)
        e = raised(TypeError, board.post, "hello")
        assert "`post`" in str(e) and "'by'" in str(e) and "&str" in str(e), e
        e = raised(TypeError, board.post, "hello", "me", to="all")
        assert "'to'" in str(e), e
        what = "on server `bboard` must be a `&str`, and is"
        e = raised(TypeError, board.post, "hello", by=7)
        assert str(e) == f"the argument `by` of `post` {what} 7", e
        e = raised(TypeError, board.post, None, "me")
        assert str(e) == f"the argument `item` of `post` {what} None", e


TREE = {"Node": ["Leaf", {"Named": {"name": "elm", "of": [{"Other": 7}]}}]}
VALUES = {
    "tree": TREE, "pair": (True, "ß"), "names": {-3: 0.5, 5: None}, "places": {(1, 2): None},
    "large": 2**128 - 1, "small": -128, "path": "/a/ü", "maybe": "x",
}


def values():
    with remotex.connect("offering") as offering:
        tree, pair, names, places, large, small, path, maybe = offering.mirror(**VALUES)
        left, right = tree["Node"]
        assert (left, right["Named"].name, right["Named"].of) == ("Leaf", "elm", [{"Other": 7}])
        told = pair, names, places, large, small, path, maybe
        assert told == tuple(VALUES.values())[1:], told
        # What has come can be given back, and what may be missing left out.
        mirrored = offering.mirror(tree, list(pair), list(names.items()), places, large, small, path.encode())
        assert mirrored[0] == tree and mirrored[-1] is None
        assert inspect.signature(offering.mirror).parameters["maybe"].default is None
        assert list(inspect.signature(offering.climb).parameters)[1] == "number_2"
        assert offering.climb("Leaf", (False, "x"), b"\xff", None, {}) == b""
        assert offering.HEIGHT.get() == 0
        what = "on server `offering` must be a"
        variants = "a `Tree` is one of Leaf, Node, Named, Other"
        for name, value, kind, words in [
            ("tree", "Lead", ValueError, f"`Tree`, and is 'Lead': {variants}"),
            ("tree", 7, ValueError, f"`Tree`, and is 7: {variants}"),
            ("tree", {"Other": 256}, ValueError, "`Tree`, and is {'Other': 256}"),
            ("tree", {"Named": {"nam": "x"}}, ValueError,
             "`Tree`, and is {'Named': {'nam': 'x'}}: its fields are name, of"),
            ("pair", [True], ValueError, "`(bool, char)`, and is [True]: it has 2 parts"),
            ("pair", (2, "x"), ValueError, "`(bool, char)`, and is (2, 'x')"),
            ("pair", (True, "xy"), TypeError, "`(bool, char)`, and is (True, 'xy')"),
            ("small", 128, ValueError, "`i8`, and is 128"),
            ("small", 0.5, TypeError, "`i8`, and is 0.5"),
            ("large", -1, ValueError, "`u128`, and is -1"),
            ("path", {}, TypeError, "`PathBuf`, and is {}"),
        ]:
            e = raised(kind, offering.mirror, **{**VALUES, name: value})
            assert str(e) == f"the argument `{name}` of `mirror` {what} {words}", e
        with contextlib.suppress(AttributeError):
            offering.internal()
            raise AssertionError("it is not exposed")
        e = raised(remotex.Error, offering.undocumented, 7)
        assert e.kind == "Unsendable" and not e.may_have_run


def failures():
    with remotex.connect("offering") as offering:
        e = raised(remotex.Error, offering.fail, {"Wrong": {"code": 7}})
        assert (e.kind, e.value.code, e.may_have_run) == ("Raised", 7, True)
        e = raised(remotex.Error, offering.fail, "Panic")
        assert (e.kind, e.may_have_run) == ("Panicked", True)
        assert str(e).startswith("`fail` on server `offering` panicked at ")
        assert str(e).endswith(": as it was told")
        assert offering.HEIGHT.get() == 0
    with remotex.connect("zoo") as animals:
        pid = animals.pid()
        e = raised(remotex.Error, animals.exits)
        assert (e.kind, e.may_have_run) == ("Lost", True), e
        e = raised(remotex.Error, animals.pid)
        assert (e.kind, e.may_have_run) == ("Unreachable", False), e
        zoo("start", "zoo")
        assert animals.pid() != pid
        note = os.path.join(os.getcwd(), "no", "folder")
        e = raised(remotex.Error, animals.note, note, "x")
        assert e.kind == "Failed" and e.causes == [] and "No such file" in str(e), e
    e = raised(remotex.Error, remotex.connect, "nobody")
    assert e.kind == "Unreachable" and "nobody.sock" in str(e), e


def restarts():
    with remotex.connect("offering") as offering:
        for _ in range(3):
            zoo("restart", "offering")
            assert offering.HEIGHT.get() == 0
        child = os.fork()
        if child == 0:
            os._exit(offering.HEIGHT.get())
        assert os.waitpid(child, 0)[1] == 0 and offering.HEIGHT.get() == 0
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
    assert offering.HEIGHT.get() == 0  # a closed one opens again
    offering.close()


def references():
    with remotex.connect("offering") as offering:
        branch = offering.fail("Not")
        assert isinstance(branch, offering.Branch) and isinstance(branch.grow(3), offering.Branch)
        assert list(inspect.signature(branch.grow).parameters) == ["by"] and "Grows." in branch.grow.__doc__
        other = offering.Branch.grow(branch, by=4)
        offering.HEIGHT.get()  # which tells that the grown one was let go of
        assert zoo("references", "offering") == "2"
        del branch, other
        offering.HEIGHT.get()
        assert zoo("references", "offering") == "0"
        branch = offering.fail("Not")
        what = "the argument `self` of `Branch::grow` on server `offering` must be a `&mut Self`, and is"
        e = raised(TypeError, offering.Branch.grow, "x", 1)
        assert str(e) == f"{what} 'x'", e
        with remotex.connect("offering") as another:
            assert isinstance(raised(TypeError, another.Branch.grow, branch, 1), TypeError)
        zoo("restart", "offering")
        e = raised(remotex.Error, branch.grow, 1)
        assert (e.kind, e.may_have_run) == ("Gone", False), e


def places():
    key = zoo("key", "folders").strip('"')
    with remotex.connect("folders", key=key) as folders:
        assert folders.folder_server()[1] == key
    path = os.path.join(os.environ["XDG_RUNTIME_DIR"], "remotex", "offering.sock")
    with remotex.connect("offering", socket=path) as offering:
        assert offering.HEIGHT.get() == 0
    assert raised(remotex.Error, remotex.connect, "zoo", socket=path).kind == "Mismatch"
    os.environ["REMOTEX_OTHER"] = "unix:" + path
    assert raised(remotex.Error, remotex.connect, "other").kind == "Mismatch"
    os.environ["REMOTEX_OFFERING"] = "off"
    assert raised(remotex.Error, remotex.connect, "offering").kind == "Unreachable"
    os.chmod(os.path.dirname(path), 0o777)
    assert raised(remotex.Error, remotex.connect, "offering", socket=path).kind == "Denied"


HELLO = remotex.MAGIC + remotex.frame(0, remotex.field(1, struct.pack("<I", 1)) + remotex.field(2, b"fake"))


def strangers():
    """What listens and speaks wrongly."""
    for says, kind in [
        (b"HTTP/1.1 400 Bad Request\r\n", "Malformed"),
        (b"", "Unreachable"),
        (HELLO.replace(b"\x04\0\0\0fake", b"\x05\0\0\0fake"), "Malformed"),
        (HELLO.replace(b"fake", b"cake"), "Mismatch"),
        (HELLO + struct.pack("<IB3x", 2**32 - 1, 0x8A), "TooLarge"),
        (HELLO + remotex.frame(0x8A, b"\x04\xff\xff\xff\xff"), "Malformed"),
        (HELLO + remotex.frame(0x83, remotex.field(1, b"\x07") + remotex.field(2, b"full")), "Busy"),
        (HELLO + remotex.frame(0x83, b""), "Malformed"),
        (HELLO + remotex.frame(0x86, bytes(8)), "Unreachable"),
    ]:
        path = os.path.join(os.getcwd(), "fake.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()

            def serve():
                with contextlib.suppress(OSError):
                    while True:
                        stream, _ = listener.accept()
                        with stream:
                            stream.settimeout(20)
                            stream.sendall(says)
                            stream.shutdown(socket.SHUT_WR)
                            while stream.recv(1024):
                                pass

            thread = threading.Thread(target=serve)
            thread.start()
            e = raised(remotex.Error, remotex.connect, "fake", socket=path)
            assert e.kind == kind, (says, e.kind, e)
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
        os.remove(path)


if __name__ == "__main__":
    checks = board, values, failures, restarts, references, places, strangers
    {check.__name__: check for check in checks}[sys.argv[1]]()
