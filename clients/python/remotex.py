"""Calls the functions of a remotex server that runs on this Linux; which ones there are, it tells itself.

    board = remotex.connect("bboard")
    help(board.post)                      # its docs in Rust, its arguments and their types
    board.post("hello", by="python")      # a function of a block is `board.BBoard.post(...)`

Structs come as objects, and are given so or as dicts; enums are "Unit" or {"Variant": value}; bytes and paths come as
bytes, and may be given as str or PathLike; a map whose keys have no hash comes as pairs. See docs/PROTOCOL.md.
"""
import contextlib, glob, inspect, io, itertools, keyword, os, re, reprlib, socket as sockets, struct, types

CALL, INTERFACE, ANSWER, RAISED, FAULT, GOODBYE, OFFER, TOLD = 1, 8, 0x81, 0x82, 0x83, 0x86, 0x8A, 0x8E
LARGEST = 64 << 20
BOOL, INT, FLOAT, CHAR, TEXT, BYTES, UNIT, TUPLE, STRUCT, NEWTYPE, DEFINED, OPTION, LIST, MAP, ENUM, NAME = range(1, 17)
FAULTS = "? Failed Panicked UnknownFunction Mismatch TooLarge Unsendable Busy Malformed Gone Denied Lost".split()
MAGIC, NOTHING = b"remotex\n", ({None: b""}.__getitem__, lambda body: None)

class Error(Exception):
    """Why a call has no answer. Its kind is a variant of Rust's `remotex::Error`, or "Raised", with a value."""
    def __init__(self, kind, message, may_have_run=False, causes=(), value=None):
        self.args, self.kind, self.may_have_run, self.causes, self.value = (message,), kind, may_have_run, causes, value

def take(body, size):
    data = body.read(size) if size <= LARGEST else b""
    if len(data) < size:  # an EOFError is the end of a connection, and nothing else
        raise (ValueError if size > LARGEST or isinstance(body, io.BytesIO) else EOFError)("it ends too early")
    return data

def number(body, size=8, signed=False):
    return int.from_bytes(take(body, size), "little", signed=signed)

def fields(data):
    body = io.BytesIO(data)
    return [(tag[0], take(body, number(body, 4))) for tag in iter(lambda: body.read(1), b"")]

def sized(form, data, *before):
    return struct.pack("<" + form, *before, len(data)) + data

def codec(kind, data, defined):
    """How a type travels: a function that makes bytes of a value, and one that takes a value off a body."""
    (bits, signed), at, real = (*data, 0, 0)[:2], int.from_bytes(data[:8], "little"), "<f" if data == b" " else "<d"
    told = fields(data)[kind in (STRUCT, NEWTYPE, ENUM):] if TUPLE <= kind < NAME and kind != DEFINED else []
    names = [value.decode() for tag, value in told if tag == NAME]  # after one that is not there comes another one
    parts = [codec(*one, defined) for one, then in zip(told, told[1:] + [(NAME,)]) if one[0] < NAME or then[0] == NAME]
    def row(values):  # of which there are as many as parts, or one of either meets this object
        return b"".join(put(v) for (put, _), v in itertools.zip_longest(parts, values, fillvalue=object()))
    def get_row(body):
        return tuple(get(body) for _, get in parts)
    def get_rows(body):  # of which no message has more than this
        return [get_row(body) for _ in range(min(number(body), body.getbuffer().nbytes + 65536))]
    def get_map(body):
        with contextlib.suppress(TypeError):
            return dict(rows := get_rows(body))
        return rows
    def put_variant(value):
        (name, held), = value.items() if isinstance(value, dict) else [(value, None)]
        return struct.pack("<I", names.index(name)) + parts[names.index(name)][0](held)
    def get_variant(body):
        at = number(body, 4)
        return names[at] if parts[at] is NOTHING else {names[at]: parts[at][1](body)}
    return {
        BOOL: ({False: b"\0", True: b"\1"}.__getitem__, lambda b: (False, True)[number(b, 1)]),
        INT: (lambda v: v.to_bytes(bits // 8, "little", signed=signed), lambda b: number(b, bits // 8, signed)),
        FLOAT: (lambda v: struct.pack(real, v), lambda b: struct.unpack(real, take(b, bits // 8))[0]),
        CHAR: (lambda v: chr(ord(v)).encode(),
               lambda b: ((c := take(b, 1)) + take(b, sum(c > most for most in (b"\xBF", b"\xDF", b"\xEF")))).decode()),
        TEXT: (lambda v: sized("Q", v.encode()), lambda b: take(b, number(b)).decode()),
        BYTES: (lambda v: sized("Q", os.fsencode(v)), lambda b: take(b, number(b))),
        STRUCT: (lambda v: row([(v if isinstance(v, dict) else vars(v))[name] for name in names]),
                 lambda b: types.SimpleNamespace(**dict(zip(names, get_row(b))))),
        DEFINED: (lambda v: defined[at][0](v), lambda b: defined[at][1](b)),
        OPTION: (lambda v: b"\0" if v is None else b"\1" + row([v]), lambda b: get_row(b)[0] if number(b, 1) else None),
        LIST: (lambda v: struct.pack("<Q", len(v)) + b"".join(row([one]) for one in (v, None)[isinstance(v, str)]),
               lambda b: [one for one, in get_rows(b)]),
        MAP: (lambda v: struct.pack("<Q", len(v)) + b"".join(map(row, getattr(v, "items", v.__iter__)())), get_map),
        UNIT: NOTHING, TUPLE: (row, get_row), NEWTYPE: parts and parts[0], ENUM: (put_variant, get_variant),
    }.get(kind)

def fault(what, data):
    told = [(tag, value.decode(errors="replace")) for tag, value in fields(data)]
    one, kind = dict(told), FAULTS[ord(dict(told)[1][0])]
    has_run = kind in ("Failed", "Panicked", "Lost") or one.get(9) == "\1" or (kind == "Unsendable" and 10 not in one)
    why = (f"it panicked at {one[3]}: " if 3 in one else "") + one.get(2, kind)
    return Error(kind, f"{what}: {why}", has_run, [value for tag, value in told if tag == 5])

def function(server, ask, data):
    told, defined = fields(data), []
    one = {2: b"", 11: bytes(16), 12: b"", **dict(told)}
    name, docs, output = (one[tag].decode() for tag in (1, 2, 8))
    names, written = ([value.decode() for tag, value in told if tag == of] for of in (6, 7))
    shown = [(tag, codec(*fields(value)[0], defined)) for tag, value in fields(one[12])]
    arguments, answers, errors, defined[:] = ([one for tag, one in shown if tag == of] for of in (6, 7, 8, 9))
    chain = os.environb.get(b"_REMOTEX_CHAIN")  # the servers that wait for what this process calls
    about = sized("BI", one[3], 3) + sized("BI", one[11], 1) + (sized("BI", chain, 7) if chain else b"")
    about += sized("BI", b"", 10)  # with the text of an error
    head, what = sized("H", one[1]) + sized("H", about), f"`{name}` on server `{server}`"
    def call(*args, **kwargs):
        body, why = head, ""
        try:
            for (put, _), argument, ty, value in zip(arguments, names, written, shape.bind(*args, **kwargs).args):
                why = f"the argument `{argument}` of {what} must be a `{ty}`, and is {reprlib.repr(value)}"
                body += put(value)
        except Exception as e:
            raise TypeError(why or f"{what}{shape}: {e}") from e
        ends = dict(zip((ANSWER, RAISED), [get for _, get in answers + errors]))
        told = lambda body: (take(body, number(body, 4)).decode(), ends[RAISED](body))
        return ask(what, CALL, body, {**ends, RAISED: lambda body: (None, ends[RAISED](body)), TOLD: told})
    safe, kind = [re.sub(r"\W", "_", n) + "_" * keyword.iskeyword(n) for n in names], inspect.Parameter
    parameters = [kind(name, kind.POSITIONAL_OR_KEYWORD, annotation=ty) for name, ty in zip(safe, written)]
    call.__signature__ = shape = inspect.Signature(parameters, return_annotation=output)
    (block, _, call.__name__), call.__doc__ = name.rpartition("::"), docs
    return block, call

def of_key(path, key):
    """The path of the socket of that key's server: FNV-1a of 128 bits names it."""
    value, stem = 0x6c62272e07bb014262b821756295c58d, path.removesuffix(".sock")
    for byte in key.encode():
        value = (value ^ byte) * 0x1000000000000000000013b % 2**128
    return f"{stem}@{value.to_bytes(16, 'little')[:8].hex()}{path[len(stem):]}" if key else path

def connect(name, key="", socket=None):
    """What the server of that name offers; if there is one for each key, that of the key."""
    xdg, run, tmp = os.environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{os.geteuid()}", f"/tmp/remotex-{os.geteuid()}"
    folder = f"{xdg}/remotex" if os.path.isabs(xdg) else f"{run}/remotex" if os.path.isdir(run) else tmp
    usual, apart = f"{folder}/{name}.sock", glob.glob(f"{glob.escape(folder)}/{name}+*.sock")  # of development builds
    apart = {re.sub("@[0-9a-f]{16}[.]sock$", ".sock", path) for path in apart}
    usual = apart.pop() if len(apart) == 1 and not os.path.exists(of_key(usual, key)) else usual
    address = os.environ.get("REMOTEX_" + re.sub("[^A-Z0-9]", "_", name.upper())) or f"unix:{usual}"
    if not socket and address[:6].lower() != "unix:/":
        raise Error("Unreachable", f"server `{name}` has the address `{address}`, where nobody listens")
    path, kept = socket or of_key(address[5:], key), []
    says = {1: b"\1", 2: name.encode(), 4: struct.pack("<Q", LARGEST), 10: key.encode(), 11: os.urandom(16)}
    hello = MAGIC + sized("Q", b"".join(sized("BI", value, tag) for tag, value in says.items()))
    def ask(what, kind, body, ends):
        """The answer to a request, over a connection of its own; the last one stays, for what the session holds."""
        stream, sent = sockets.socket(sockets.AF_UNIX), False
        try:
            stream.connect(path)
            if stream.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, 12)[4:8] != struct.pack("I", os.geteuid()):
                raise PermissionError("who listens there is another user")
            with contextlib.suppress(BrokenPipeError):  # what the server has said before it closed can still be read
                stream.sendall(hello + struct.pack("<IB3x", len(body), kind) + body)
                sent = kind == CALL
            file = stream.makefile("rb")
            take(file, len(MAGIC)).index(MAGIC)  # or it is no remotex server
            for _ in range(2):  # its hello, and the reply
                size, reply = struct.unpack("<IB3x", take(file, 8))
                data = take(file, size)
            if reply == GOODBYE and not any(data):
                raise ConnectionAbortedError("the server ends")
            kept[:] = [stream]
            value = fault(what, data) if reply == FAULT else ends[reply](io.BytesIO(data))
        except Exception as e:  # an OSError tells that the server has not read the call
            kinds = {PermissionError: "Denied", EOFError: "Lost" if sent else "Unreachable"}
            kind = kinds.get(type(e), "Unreachable" if isinstance(e, OSError) else "Malformed")
            raise Error(kind, f"{what} at `unix:{path}`: {e!r}", sent and not isinstance(e, OSError)) from e
        if reply == FAULT:
            if value.kind == "Lost":  # the next call is not to meet the server while it ends
                stream.recv(1)
            raise value
        if reply in (RAISED, TOLD):
            text, value = value
            raise Error("Raised", text or f"{what} has failed with {value}", True, value=value)
        return value
    offered = {OFFER: lambda body: [function(name, ask, value) for tag, value in fields(body.read()) if tag == 4]}
    members = {"__doc__": f"What server `{name}` offers."}
    for block, call in ask(f"server `{name}`", INTERFACE, b"", offered):
        (vars(members.setdefault(block, types.SimpleNamespace())) if block else members)[call.__name__] = call
    return type(name, (), members)
