"""Calls the functions of a remotex server that runs on this Linux; which ones there are, it tells itself.

    board = remotex.connect("bboard")
    help(board.post)                      # its docs in Rust, its arguments and their types
    board.post("hello", by="python")      # a function of a block is `board.BBoard.post(...)`

Values are what serde's JSON of their types has, as Python has JSON: a struct is a dict, whose fields are attributes
too, an enum "Unit" or {"Variant": value}, a tuple a list. What JSON lacks is there: bytes, large integers, maps with any
keys (as pairs, where these have no hash), and references to what stays in the server. See docs/PROTOCOL.md.
"""
import contextlib, glob, inspect, io, keyword, os, re, reprlib, socket as sockets, struct, types

CALL, INTERFACE, ANSWER, RAISED, FAULT, GOODBYE, OFFER, TOLD = 1, 8, 0x81, 0x82, 0x83, 0x86, 0x8A, 0x8E
LARGEST = 64 << 20
FAULTS = "? Failed Panicked UnknownFunction Mismatch TooLarge Unsendable Busy Malformed Gone Denied Lost".split()
MAGIC, REFERENCE = b"remotex\n", 29285

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

class Struct(dict):
    """A struct, or another map whose keys are texts: its fields are attributes, too."""
    def __getattr__(self, name):
        with contextlib.suppress(KeyError):
            return self[name]
        raise AttributeError(name)

class Reference:
    """What stays in the server: it can be given back."""
    def __init__(self, name, known):
        self.name, self.known = name, known
    def __repr__(self):
        return f"<{self.name}>"

def head(major, count):
    form, low = next((form, low) for form, low, most in HEADS if count <= most)
    return struct.pack(">B" + form, major << 5 | (low or count), *[count] * bool(form))
HEADS = ("", 0, 23), ("B", 24, 2**8 - 1), ("H", 25, 2**16 - 1), ("I", 26, 2**32 - 1), ("Q", 27, 2**64 - 1)

def encode(value):
    """A value as CBOR (RFC 8949)."""
    if isinstance(value, int) and not isinstance(value, bool):
        distance, negative = value ^ -(value < 0), value < 0
        big = distance.to_bytes((distance.bit_length() + 7) // 8, "big")
        return head(negative, distance) if distance < 2**64 else head(6, 2 + negative) + head(2, len(big)) + big
    if isinstance(value, os.PathLike):
        value = os.fsencode(value)
        with contextlib.suppress(UnicodeDecodeError):
            value = value.decode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return head(2, len(value := bytes(value))) + value
    if isinstance(value, str):
        return head(3, len(value := value.encode())) + value
    if isinstance(value, Reference):
        return head(6, REFERENCE) + encode([value.name, value.known])
    if isinstance(value, float):
        return b"\xFB" + struct.pack(">d", value)
    if value is None or isinstance(value, bool):
        return {None: b"\xF6", False: b"\xF4", True: b"\xF5"}[value]
    if isinstance(value, (list, tuple, set, frozenset)):
        return head(4, len(value)) + b"".join(map(encode, value))
    value = value if isinstance(value, dict) else vars(value)
    return head(5, len(value)) + b"".join(encode(key) + encode(held) for key, held in value.items())

def decode(body):
    """The value that is all of a body."""
    value = decode_next(body)
    if body.read(1):
        raise ValueError("something is left over")
    return value

def decode_next(body):
    """The value that a body has next as CBOR, as a server of remotex writes it."""
    first = number(body, 1)
    major, low, simple = first >> 5, first & 31, {0xF4: False, 0xF5: True, 0xF6: None}
    if first in simple:
        return simple[first]
    if first in (0xFA, 0xFB):
        return struct.unpack(*((">f", take(body, 4)) if first == 0xFA else (">d", take(body, 8))))[0]
    count = low if low < 24 else None if low == 31 else int.from_bytes(take(body, 1 << low - 24), "big")
    counted = range(count) if count is not None else iter(lambda: ends(body), True)
    if major < 2:
        return count ^ -major
    if major < 4:
        return take(body, count) if major == 2 else take(body, count).decode()
    if major == 4:
        return [decode_next(body) for _ in counted]
    if major == 6:
        held = decode_next(body)
        return Reference(*held) if count == REFERENCE else int.from_bytes(held, "big") ^ -(count == 3)
    pairs = [(decode_next(body), decode_next(body)) for _ in counted]
    with contextlib.suppress(TypeError):
        pairs = {tuple(key) if isinstance(key, list) else key: held for key, held in pairs}
        return Struct(pairs) if all(isinstance(key, str) for key in pairs) else pairs
    return pairs

def ends(body):
    """Whether a list without a count is over."""
    over = take(body, 1) == b"\xFF"
    body.seek(over - 1, os.SEEK_CUR)
    return over

def fault(what, data):
    told = [(tag, value.decode(errors="replace")) for tag, value in fields(data)]
    one, kind = dict(told), FAULTS[ord(dict(told)[1][0])]
    has_run = kind in ("Failed", "Panicked", "Lost") or one.get(9) == "\1" or (kind == "Unsendable" and 10 not in one)
    why = (f"it panicked at {one[3]}: " if 3 in one else "") + one.get(2, kind)
    what = f"the argument `{one[10]}` of {what}" if 10 in one else what
    return Error(kind, f"{what}: {why}", has_run, [value for tag, value in told if tag == 5])

def function(server, ask, data):
    told = fields(data)
    one = {2: b"", **dict(told)}
    name, docs, output = (one[tag].decode() for tag in (1, 2, 8))
    names, written = ([value.decode() for tag, value in told if tag == of] for of in (6, 7))
    says = [(one[3], 3), (b"", 10)]  # whose function it is; and arguments and reply are CBOR
    says += [(value, tag) for value, tag in ((one.get(11), 1), (os.environb.get(b"_REMOTEX_CHAIN"), 7)) if value]
    begin = sized("H", one[1]) + sized("H", b"".join(sized("BI", value, tag) for value, tag in says))
    what = f"`{name}` on server `{server}`"
    def call(*args, **kwargs):
        body, why = begin + head(4, len(names)), ""
        try:
            for argument, ty, value in zip(names, written, shape.bind(*args, **kwargs).args):
                why = f"the argument `{argument}` of {what} must be a `{ty}`, and is {reprlib.repr(value)}"
                body += encode(value)
        except Exception as e:
            raise TypeError(why or f"{what}{shape}: {e}") from e
        told = lambda body: (take(body, number(body, 4)).decode(), decode(body))
        return ask(what, CALL, body, {ANSWER: decode, RAISED: lambda body: (None, decode(body)), TOLD: told})
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
