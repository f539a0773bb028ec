"""Calls the functions of a remotex server that runs; which ones there are, it tells itself.

    with remotex.connect("bboard") as board:
        help(board.post)                          # its docs in Rust, its arguments and their types
        board.post("hello", by="python")
        print([news.item for news in board.read()])

A function of a block is `board.BBoard.post(...)`. A `Remote<Track>` is a `board.Track` with its methods; it
can be an argument, and is let go of with the first call after its end. A struct is given as a dict or an
object and comes as an object; an enum is "Unit" or {"Variant": value}; bytes and paths come as bytes, and
may be given as str or PathLike; a map whose keys have no hash is a list of pairs. What is wrong with an
argument is a TypeError or ValueError, all else an Error. docs/PROTOCOL.md says how it all travels.
"""
import contextlib, inspect, io, keyword, os, re, reprlib, socket, stat, struct, sys, threading  # noqa: E401
from types import SimpleNamespace

HELLO, CALL, RELEASE, INTERFACE, ANSWER, RAISED, FAULT, GOODBYE, OFFER = 0, 1, 6, 8, 129, 130, 131, 134, 138
BOOL, INT, FLOAT, CHAR, TEXT, BYTES, UNIT, TUPLE, STRUCT, NEWTYPE = range(1, 11)
DEFINED, OPTION, LIST, MAP, ENUM, NAME = range(11, 17)
FAULTS = "Failed Panicked UnknownFunction Mismatch TooLarge Unsendable Busy Malformed Gone Denied".split()
MAGIC, LARGEST, PATIENCE = b"remotex\n", 64 << 20, 30  # bytes of a message; seconds to connect and greet
NOTHING = {None: b""}.__getitem__, lambda body: None


class Error(Exception):
    """Why a call has no answer. Its kind is a variant of Rust's `Error`, or "Raised", which has a value."""
    def __init__(self, kind, message, may_have_run=False, causes=(), value=None):
        super().__init__(message)
        self.kind, self.may_have_run, self.causes, self.value = kind, may_have_run, list(causes), value


@contextlib.contextmanager
def reading(what, may_have_run=False):
    """Whatever nonsense of a server leads to is an error that says so."""
    try:
        yield
    except Error:
        raise
    except Exception as e:
        raise Error("Malformed", f"{what}: what has come cannot be read: {e}", may_have_run) from e


class Reference:
    """What stays in the server."""
    _server, _bytes = None, bytes(32)

    def __del__(self):
        self._server._dropped.append(self._bytes[16:])


class Body:
    """Bytes that come from a server, and what is taken off them."""
    def __init__(self, file, size=0, cut=ValueError):
        self.file, self.size, self.cut = file, size, cut

    def take(self, size):
        data = self.file.read(size)
        if len(data) < size:
            raise self.cut("it ends too early")
        return data

    def number(self, size=8, signed=False):
        return int.from_bytes(self.take(size), "little", signed=signed)

    def char(self):
        first = self.take(1)
        return (first + self.take(sum(first[0] >= least for least in (0xC0, 0xE0, 0xF0)))).decode()

    def rows(self, parts):
        count = self.number()
        if count > self.size + 65536:
            raise ValueError("it has more elements than its bytes can hold")
        return [tuple(take(self) for _, take in parts) for _ in range(count)]


def fields(data):
    body = Body(io.BytesIO(data))
    while body.file.tell() < len(data):
        yield body.number(1), body.take(body.number(4))


def field(tag, value):
    return struct.pack("<BI", tag, len(value)) + value


def frame(kind, body):
    return struct.pack("<IB3x", len(body), kind) + body


def row(parts, values):
    if len(parts) != len(values):
        raise ValueError(f"it has {len(parts)} parts")
    return b"".join(put(value) for (put, _), value in zip(parts, values))


def rows(parts, values):
    return struct.pack("<Q", len(values)) + b"".join(row(parts, value) for value in values)


def codec(kind, data, defined, server):
    """How a type travels: a function that makes bytes of a value, and one that takes it off a body."""
    names, parts, size, at = [], [], data[0] // 8 if data else 0, int.from_bytes(data[:8], "little")
    for tag, value in fields(data) if kind >= TUPLE and kind != DEFINED else ():
        if tag == NAME:
            names.append(value.decode())
        else:  # a name before a name is the type's own, or that of a variant that is not there
            parts += [None] * (len(names) - len(parts) - 1) + [codec(tag, value, defined, server)]
    if kind == NEWTYPE:
        return server._references(names[0]) if names[0].startswith("Remote<") else parts[0]

    def block(value):
        return struct.pack("<Q", len(value)) + value

    def put_struct(value):
        given = value if isinstance(value, dict) else vars(value)
        if not set(given) <= set(names[1:]):
            raise ValueError(f"its fields are {', '.join(names[1:])}")
        return row(parts[1:], [given.get(name) for name in names[1:]])

    def put_variant(value):
        (name, held), = value.items() if isinstance(value, dict) else [(value, None)]
        if name not in names[1:]:
            raise ValueError(f"a `{names[0]}` is one of {', '.join(names[1:])}")
        return struct.pack("<I", names.index(name, 1) - 1) + parts[names.index(name, 1)][0](held)

    def take_variant(body):
        at = 1 + body.number(4)
        value = parts[at][1](body)
        return names[at] if parts[at] is NOTHING else {names[at]: value}

    def take_map(body):
        pairs = body.rows(parts)
        with contextlib.suppress(TypeError):
            return dict(pairs)
        return pairs

    def put_list(value):
        if isinstance(value, (str, dict)):
            raise TypeError("it is no list")
        return rows(parts, [(one,) for one in value])

    return {
        BOOL: ({False: b"\0", True: b"\1"}.__getitem__, lambda b: b.number(1) == 1),
        INT: (lambda v: v.to_bytes(size, "little", signed=data[1] == 1),
              lambda b: b.number(size, data[1] == 1)),
        FLOAT: (lambda v: struct.pack("<f" if size == 4 else "<d", v),
                lambda b: struct.unpack("<f" if size == 4 else "<d", b.take(size))[0]),
        CHAR: (lambda v: chr(ord(v)).encode(), Body.char),
        TEXT: (lambda v: block(v.encode()), lambda b: b.take(b.number()).decode()),
        BYTES: (lambda v: block(os.fsencode(v)), lambda b: b.take(b.number())),
        UNIT: NOTHING,
        TUPLE: (lambda v: row(parts, v), lambda b: tuple(take(b) for _, take in parts)),
        STRUCT: (put_struct, lambda b: SimpleNamespace(**{n: p[1](b) for n, p in zip(names[1:], parts[1:])})),
        DEFINED: (lambda v: defined[at][0](v), lambda b: defined[at][1](b)),
        OPTION: (lambda v: b"\0" if v is None else b"\1" + parts[0][0](v),
                 lambda b: parts[0][1](b) if b.number(1) else None),
        LIST: (put_list, lambda b: [one for one, in b.rows(parts)]),
        MAP: (lambda v: rows(parts, v.items() if isinstance(v, dict) else v), take_map),
        ENUM: (put_variant, take_variant),
    }[kind]


class Server:
    """A connection to a server, made again when it has gone; one call at a time goes over it."""
    _socket = _process = None

    def __init__(self, name, path, key):
        self._name, self._path, self._key = name, path, key
        self._lock, self._dropped, self._blocks = threading.Lock(), [], {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        Server.close(self)

    def close(self):
        """Ends the connection; the next call makes another one."""
        for part in (self._stream.file, self._socket) if self._socket else ():
            part.close()
        self._socket = None

    def _block(self, name):
        """The functions of a block; it is also the class of references to such objects."""
        return self._blocks.setdefault(name, type(name, (Reference,), {"_server": self}))

    def _references(self, name):
        block = self._block(re.findall(r"\w+", name)[-1])

        def put(value):
            if not isinstance(value, block):
                raise TypeError("it is no such reference of this connection")
            return value._bytes

        def take(body):
            reference = block()
            reference._bytes = body.take(32)
            return reference
        return put, take

    def _open(self):
        """Connects and greets; nothing runs before that."""
        us, folder = os.geteuid(), os.path.dirname(self._path)
        seen = os.lstat(folder)
        if stat.S_ISLNK(seen.st_mode) and seen.st_uid in (us, 0):
            seen = os.stat(folder)
        is_open = seen.st_mode & 0o022 and not seen.st_mode & stat.S_ISVTX
        if is_open or seen.st_uid not in (us, 0) or not stat.S_ISDIR(seen.st_mode):
            raise Error("Denied", f"`{folder}` is no folder that only you can write; see `chmod 700`")
        self._socket, self._calls = socket.socket(socket.AF_UNIX), 0
        self._stream = Body(self._socket.makefile("rb"), cut=EOFError)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(self._path)
        if hasattr(socket, "SO_PEERCRED"):
            peer = struct.unpack("iII", self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if peer[1] != us:
                raise Error("Denied", f"who listens at `{self._path}` is user {peer[1]}, and not you")
        says = {1: struct.pack("<I", 1), 2: self._name.encode(), 10: self._key.encode()}
        more = {3: struct.pack("<I", os.getpid()), 4: struct.pack("<Q", LARGEST), 11: self._session}
        hello = b"".join(field(tag, value) for tag, value in {**says, **more}.items())
        self._socket.sendall(MAGIC + frame(HELLO, hello))
        if self._stream.take(8) != MAGIC:
            raise Error("Malformed", f"what listens at `{self._path}` is no remotex server")
        hello = self._receive()[1]
        with reading(f"the hello at `{self._path}`"):
            theirs = dict(fields(hello))
        if any(theirs.get(tag, b"") != value for tag, value in says.items()):
            raise Error("Mismatch", f"what listens at `{self._path}` is another server or version")
        self._socket.settimeout(None)

    def _receive(self):
        size, kind, _ = self._stream.number(4), self._stream.number(1), self._stream.take(3)
        if size > LARGEST:
            raise Error("TooLarge", f"an answer of {size} bytes has come, where {LARGEST} are allowed", True)
        return kind, self._stream.take(size)

    def _exchange(self, what, kind, body):
        """The reply to a question. It is sent again only if it was certainly not taken."""
        for _ in range(5):
            sent = reply = None
            if self._process != os.getpid():  # a child of fork(2) has neither our connection nor our session
                Server.close(self)
                self._process, self._session = os.getpid(), os.urandom(16)
            try:
                if not self._socket:
                    self._open()
                self._calls, dropped = self._calls + (kind == CALL), self._dropped[:]
                batches = [b"".join(dropped[at:at + 64]) for at in range(0, len(dropped), 64)]
                releases = b"".join(frame(RELEASE, batch) for batch in batches)
                with contextlib.suppress(ConnectionError):  # what it said before it went can still be read
                    self._socket.sendall(releases + frame(kind, body))
                    sent = True
                reply, answer = self._receive()
                if reply != GOODBYE:
                    if reply != FAULT:
                        del self._dropped[:len(dropped)]
                    return reply, answer
                sent = kind == CALL and int.from_bytes(answer, "little") >= self._calls
                while self._stream.file.read(1):
                    pass
                raise EOFError  # the server has ended: another one may be there
            except (EOFError, ConnectionError, FileNotFoundError) as e:
                if sent and not (isinstance(e, ConnectionResetError) and sys.platform == "linux"):
                    why = "the connection ended before the answer came; the function may have run"
                    raise Error("Lost", f"{what}: {why}", True) from None
            except OSError as e:
                kind = "TimedOut" if isinstance(e, socket.timeout) else "Io"
                raise Error(kind, f"{what}: {e}", bool(sent)) from e
            finally:
                if reply in (None, GOODBYE):
                    self.close()
        raise Error("Unreachable", f"{what}: nobody takes calls at `unix:{self._path}`; start the server")

    def _call(self, what, body, ends):
        with self._lock:
            kind, reply = self._exchange(what, CALL, body)
            if kind == FAULT:
                raise self._fault(what, reply)
            with reading(what, True):
                body = Body(io.BytesIO(reply), len(reply))
                try:
                    value = ends[kind][1](body)
                    if body.file.read(1):
                        raise ValueError("bytes are left over")
                except Exception:
                    self._socket.sendall(frame(RELEASE, b""))  # all references in it
                    raise
        if kind == RAISED:
            raise Error("Raised", f"{what} has failed with {value}", True, value=value)
        return value

    def _fault(self, what, data):
        """The error that a fault tells of; who says some of them closes the connection."""
        with reading(what, True):
            told = [(tag, value.decode("utf-8", "replace")) for tag, value in fields(data)]
        one, numbers = dict(told), {tag: int.from_bytes(value, "little") for tag, value in fields(data)}
        kind = dict(enumerate(FAULTS, 1)).get(numbers.get(1), "Malformed")
        why = one.get(2) or "the server does not have it, or does not expose it"
        if kind == "TooLarge":
            why = f"{numbers.get(7)} bytes are too large where {numbers.get(8)} are allowed"
        if kind in ("Busy", "Malformed", "Mismatch", "TooLarge"):
            Server.close(self)
        has_run = {"Failed": True, "Panicked": True, "TooLarge": numbers.get(9), "Unsendable": 10 not in one}
        message = {"Failed": why, "Denied": why, "Panicked": f"{what} panicked at {one.get(3)}: {why}"}
        causes = [text for tag, text in told if tag == 5]
        return Error(kind, message.get(kind, f"{what}: {why}"), bool(has_run.get(kind)), causes)


def function(server, data):
    """A Python function that calls one of the server's, which is told of in `data`."""
    told = list(fields(data))
    one, structure = dict(told), list(fields(dict(told).get(12, b"")))
    name, docs, output = (one[tag].decode() for tag in (1, 2, 8))
    names, written = ([value.decode() for tag, value in told if tag == of] for of in (6, 7))
    definitions, defined = [next(fields(value)) for tag, value in structure if tag == 9], []
    defined += [codec(*definition, defined, server) for definition in definitions]
    shown = {of: [next(fields(value)) for tag, value in structure if tag == of] for of in (6, 7, 8)}
    arguments, answers, errors = ([codec(*type_, defined, server) for type_ in shown[of]] for of in (6, 7, 8))
    about = field(3, one[3]) + field(1, one.get(11, bytes(16)))
    head = struct.pack("<H", len(one[1])) + one[1] + struct.pack("<H", len(about)) + about
    what = f"`{name}` on server `{server._name}`"

    def call(*args, **kwargs):
        try:
            bound = call.__signature__.bind(*args, **kwargs)
        except TypeError as e:
            raise TypeError(f"{what}{call.__signature__}: {e}") from None
        bound.apply_defaults()
        if not answers:
            raise Error("Unsendable", f"{what}: the server does not show all of its types")
        body = head
        for (put, _), argument, type_, value in zip(arguments, names, written, bound.args):
            try:
                body += put(value)
            except Exception as e:  # whatever is wrong with it
                wrong = TypeError if isinstance(e, (TypeError, AttributeError, struct.error)) else ValueError
                why = f": {e}" if isinstance(e, ValueError) else ""
                what_is_right = f"must be a `{type_}`, and is {reprlib.repr(value)}{why}"
                raise wrong(f"the argument `{argument}` of {what} {what_is_right}") from None
        return server._call(what, body, dict(zip((ANSWER, RAISED), answers + errors)))

    parameters, default = [], None
    known = shown[6] or [(None, b"")] * len(names)
    for argument, type_, (kind, data) in reversed(list(zip(names, written, known))):
        is_option = kind == DEFINED and definitions[int.from_bytes(data, "little")][0] == OPTION
        default = None if is_option and default is None else inspect.Parameter.empty
        parameters.insert(0, inspect.Parameter(
            identifier(argument), inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=type_))
    call.__signature__ = inspect.Signature(parameters, return_annotation=output)
    call.__name__, call.__qualname__ = identifier(name.rpartition("::")[2]), name.replace("::", ".")
    call.__doc__ = f"{docs}\n\nReturns `{output}`.".strip()
    return name, call, names[:1] == ["self"]


def identifier(name):
    name = re.sub(r"\W", "_", name)
    return name + "_" if keyword.iskeyword(name) else name


def connect(name, key="", socket=None):
    """Connects to the server of that name: for a key, or at a socket that is not where its name says."""
    address = os.environ.get("REMOTEX_" + re.sub("[^A-Z0-9]", "_", name.upper()))
    if not socket and address:
        if not address.lower().startswith("unix:/"):
            raise Error("Unreachable", f"server `{name}` has the address `{address}`, where nobody listens")
        socket = address[5:]
    if not socket:
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        if not os.path.isabs(runtime):
            runtime = f"/run/user/{os.geteuid()}"
            runtime = runtime if os.path.isdir(runtime) else None
        folder = f"{runtime}/remotex" if runtime else f"/tmp/remotex-{os.geteuid()}"
        socket = f"{folder}/{name}.sock"
    if key:
        digest = 0x6c62272e07bb014262b821756295c58d  # FNV-1a of 128 bits
        for byte in key.encode():
            digest = (digest ^ byte) * 0x1000000000000000000013b % (1 << 128)
        start, end = (socket[:-5], ".sock") if socket.endswith(".sock") else (socket, "")
        socket = f"{start}@{digest.to_bytes(16, 'little')[:8].hex()}{end}"
    server = Server(name, os.path.abspath(socket), key)
    members = {"__doc__": f"What server `{name}` offers."}
    try:
        kind, offer = server._exchange(f"server `{name}`", INTERFACE, b"")
        if kind != OFFER:
            raise server._fault(f"server `{name}`", offer)
        with reading(f"server `{name}`"):
            functions = [function(server, value) for tag, value in fields(offer) if tag == 4]
    except BaseException:
        server.close()
        raise
    for name, call, is_method in functions:
        block = name.rpartition("::")[0]
        if block:
            setattr(server._block(block), call.__name__, call if is_method else staticmethod(call))
        else:
            members[call.__name__] = staticmethod(call)
    members.update(server._blocks)
    server.__class__ = type(server._name, (Server,), members)
    return server
