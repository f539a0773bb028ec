//! The settings of a server's `static`, each of which is `const`.

use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU8;
use std::time::Duration;

use parking_lot::Mutex;

use super::local::LocalStart;
use super::{Server, UNKNOWN};
use crate::address;
use crate::client::Client;
use crate::error::Result;
use crate::hook::{self, Outcome};
use crate::serve::Awake;
use crate::wire::call::LARGEST_HEAD;
use crate::wire::frame::LARGEST;
use crate::wire::interface::Function;

/// See [`Server::max_message`].
const MAX_MESSAGE: usize = 64 * 1024 * 1024 + 1024;

/// See [`Server::max_connections`].
const MAX_CONNECTIONS: usize = 16 * 1024;

/// See [`Server::grace`].
const GRACE: Duration = Duration::from_secs(10);

/// See [`Server::max_references`].
const MAX_REFERENCES: usize = 100_000;

impl Server {
    /// The server of that name.
    ///
    /// # Panics
    /// If the name is not 1 to 64 of `A-Z a-z 0-9 . _ -`, or is `debug` or `explain`. In a `static`
    /// that is an error of the compiler.
    #[must_use]
    #[track_caller]
    pub const fn new(name: &'static str) -> Self {
        assert!(
            address::is_name(name),
            "the name of a server is 1 to 64 letters, digits, `.`, `_` or `-`, and not `debug` or `explain`"
        );
        Self {
            name,
            place: Location::caller(),
            address: None,
            autostart: false,
            on_start: None,
            on_stop: None,
            before: None,
            after: None,
            expose: None,
            one_per: None,
            idle_timeout: None,
            timeout: None,
            max_message: MAX_MESSAGE,
            max_connections: MAX_CONNECTIONS,
            grace: GRACE,
            max_references: MAX_REFERENCES,
            keep_env: &[],
            resolved: OnceLock::new(),
            key: Mutex::new(None),
            role: AtomicU8::new(UNKNOWN),
            local_start: LocalStart::new(),
            inside: Mutex::new(None),
            awake: Awake::new(),
            client: Client::new(name),
            found: None,
        }
    }

    /// Puts the server at an address:
    ///
    /// - `unix:/path` is a socket; the default is one at `$XDG_RUNTIME_DIR/remotex/NAME.sock`.
    /// - `tcp://host:port` is one on a loopback address (the feature `tcp`), `tls://host:port` anywhere (`tls`),
    ///   `http://host:port` and `https://host:port` the same within HTTP (`http`). A server there has a socket of its
    ///   own beside it, by which it is controlled on its machine.
    /// - `ssh://[user@]host/program` is the server of a program on another machine.
    /// - `stdio:program arguments` is a program that is the server of this client alone, as its child.
    /// - `local:` is nowhere: functions run where they are called.
    ///
    /// The variable `REMOTEX_<NAME>` overrides it in clients and in the server; `off` there means `local:`.
    ///
    /// # Panics
    /// If it is no address. In a `static` that is an error of the compiler.
    #[must_use]
    #[track_caller]
    pub const fn at(mut self, address: &'static str) -> Self {
        assert!(
            address::is_address(address),
            "the address of a server is `unix:/path`, `tcp://`, `tls://`, `http://` or `https://` and `host:port`, `ssh://host/program`, `stdio:program` or `local:`"
        );
        self.address = Some(address);
        self
    }

    /// Lets the first call start the server: this same program, in the background.
    ///
    /// `main` must begin with [`init`](crate::init).
    #[must_use]
    pub const fn autostart(mut self) -> Self {
        self.autostart = true;
        self
    }

    /// Runs `load` in the server before its first call: the place to load and to open.
    ///
    /// If it fails, so does the start, and the caller that started the server gets its words.
    ///
    /// Where the address is `local:`, it runs in each process before the first call there.
    #[must_use]
    pub const fn on_start(mut self, load: fn() -> Result<()>) -> Self {
        self.on_start = Some(load);
        self
    }

    /// Runs `save` in the server after its last call and before its process ends: the place to save.
    ///
    /// In a server that was started in the background it may take 15 s; then the process ends without
    /// it. A call that was given up, since it took longer than the grace period, may still hold a lock.
    ///
    /// If it fails, the log says so, and so does [`stop`](Server::stop), [`restart`](Server::restart),
    /// or the call for which the server made room: that call has not run, and the next one has a new
    /// server.
    ///
    /// Where the address is `local:`, it runs at the ordinary end of each process that has made a call:
    /// when `main` returns, or at `exit`, for up to 15 s. If it fails there, the process prints that, and
    /// ends with code 1. A process that a signal ends saves nothing.
    #[must_use]
    pub const fn on_stop(mut self, save: fn() -> Result<()>) -> Self {
        self.on_stop = Some(save);
        self
    }

    /// Shows `check` each call before it runs, which can refuse it: the caller then gets
    /// [`Error::Denied`](crate::Error::Denied), with the words of the check's error.
    ///
    /// It runs in the server, on the thread that would run the function. A panic of it is that call's
    /// end. Calls that the server makes to itself are plain calls, and not shown.
    ///
    /// ```
    /// # extern crate remote_runtime as remotex;
    /// use remotex::{Call, Result, Server};
    ///
    /// static SERVER: Server = Server::new("board").before(|call| {
    ///     match call.function() {
    ///         "wipe" if call.caller().terminal().is_none() => Err("only people wipe the board".into()),
    ///         _ => Ok(()),
    ///     }
    /// });
    /// ```
    #[must_use]
    pub const fn before(mut self, check: fn(&hook::Call) -> Result<()>) -> Self {
        self.before = Some(check);
        self
    }

    /// Shows `look` each call after it, with how it has ended: the place to log and to measure. It also
    /// sees those that [`before`](Server::before) has refused.
    ///
    /// It runs in the server before the reply is sent. A panic of it is that call's end.
    #[must_use]
    pub const fn after(mut self, look: fn(&hook::Call, &Outcome)) -> Self {
        self.after = Some(look);
        self
    }

    /// Serves only those functions for which `choose` says so: the others are neither listed by
    /// [`interface`](Server::interface) nor called by clients, to whom they are
    /// [`Error::UnknownFunction`](crate::Error::UnknownFunction). It is asked once for each when the server begins; the types of a
    /// function are not known to it.
    ///
    /// ```
    /// # extern crate remote_runtime as remotex;
    /// use remotex::Server;
    ///
    /// static SERVER: Server = Server::new("board").expose(|function| !function.name.starts_with("debug_"));
    /// ```
    #[must_use]
    pub const fn expose(mut self, choose: fn(&Function) -> bool) -> Self {
        self.expose = Some(choose);
        self
    }

    /// Makes it a server for each key instead of one: for each repository, say, with the root of the
    /// caller's as the key. Each has its own process, state, socket and log.
    ///
    /// `key` is asked where a call is made, and never in the server, which is told: see
    /// [`key`](Server::key). It may have at most 1024 bytes, none of them zero.
    ///
    /// Over a network, each has an address of its own. That of `http://` and `https://` ends in
    /// `/key/KEY`, with the key percent-encoded, and where it says so, `key` is not asked.
    ///
    /// ```
    /// # extern crate remote_runtime as remotex;
    /// use remotex::Server;
    ///
    /// fn root() -> String {
    ///     let here = std::env::current_dir().unwrap_or_default();
    ///     let root = here.ancestors().find(|folder| folder.join(".git").exists());
    ///     root.unwrap_or(&here).display().to_string()
    /// }
    /// static INDEX: Server = Server::new("index").autostart().one_per(root);
    /// ```
    #[must_use]
    pub const fn one_per(mut self, key: fn() -> String) -> Self {
        self.one_per = Some(key);
        self
    }

    /// Ends the server when no call has run for so long. An open connection alone is no use.
    ///
    /// # Panics
    /// If it is zero. In a `static` that is an error of the compiler.
    #[must_use]
    #[track_caller]
    pub const fn idle_timeout(mut self, idle: Duration) -> Self {
        assert!(
            !idle.is_zero(),
            "an idle timeout of zero would end the server before its first call"
        );
        self.idle_timeout = Some(idle);
        self
    }

    /// How long a call may take, with all that belongs to it: to start the server, if there is none,
    /// to wait for it, and to run. It is then [`Error::TimedOut`](crate::Error::TimedOut), and its function may go on. There
    /// is no limit if this is not set.
    ///
    /// The function can ask for it: [`Caller::deadline`](crate::Caller::deadline).
    ///
    /// # Panics
    /// If it is zero. In a `static` that is an error of the compiler.
    #[must_use]
    #[track_caller]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        assert!(!timeout.is_zero(), "no call ends within a timeout of zero");
        self.timeout = Some(timeout);
        self
    }

    /// The largest message in either direction, in bytes: at most 4 GiB; if it is not set, 64 MiB and
    /// the 1 KiB that one value of that size may take besides.
    ///
    /// A larger message is [`Error::TooLarge`](crate::Error::TooLarge) at the side that would send it.
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {
        const MOST: usize = LARGEST - LARGEST_HEAD;
        self.max_message = if bytes < MOST { bytes } else { MOST };
        self
    }

    /// How many connections the server keeps open: 16,384 if it is not set, as far as the system's
    /// limit on descriptors allows. Beyond that, a call is [`Error::Busy`](crate::Error::Busy).
    ///
    /// One that rests costs a descriptor and less than 2 KiB. At most 511 calls run at once; the next
    /// 1024 wait for one of them to end, for up to 30 s, and those beyond are `Busy` as well. A call
    /// that is made inside a remote function does not wait: it runs beside them, as one of 512 more
    /// at most.
    #[must_use]
    pub const fn max_connections(mut self, n: usize) -> Self {
        self.max_connections = n;
        self
    }

    /// How long the objects that a client holds ([`Remote`](crate::Remote)) are kept for it when it
    /// was cut off: 10 s if this is not set. Then they are let go of, as when its process has ended,
    /// which a server cannot tell from that.
    #[must_use]
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How many references to objects one client may hold: 100,000 if this is not set. An answer with
    /// one more is [`Error::Unsendable`](crate::Error::Unsendable).
    #[must_use]
    pub const fn max_references(mut self, n: usize) -> Self {
        self.max_references = n;
        self
    }

    /// Lets the server, when it is started in the background, keep these variables of the
    /// environment of who happens to start it.
    ///
    /// Without that it has what a process needs to run as its starter does, and nothing else, since
    /// what is right for one caller is not for the next:
    ///
    /// | | |
    /// | --- | --- |
    /// | user | HOME, USER, PATH, LANG, LC_*, TZ, TMPDIR, XDG_*, REMOTEX_*, RUST_BACKTRACE, RUST_LOG |
    /// | loader | LD_LIBRARY_PATH, LD_PRELOAD, DYLD_LIBRARY_PATH, DYLD_FALLBACK_LIBRARY_PATH, DYLD_INSERT_LIBRARIES |
    /// | coverage, sanitizers | LLVM_PROFILE_FILE; ASAN_, LSAN_, MSAN_, TSAN_ and UBSAN_OPTIONS |
    /// | allocators | MALLOC_*, GLIBC_TUNABLES, _RJEM_MALLOC_CONF |
    /// | certificates, proxies | SSL_CERT_FILE, SSL_CERT_DIR; http_proxy, https_proxy, all_proxy, no_proxy in either case |
    ///
    /// Relative paths in LD_LIBRARY_PATH, DYLD_LIBRARY_PATH, DYLD_FALLBACK_LIBRARY_PATH,
    /// LLVM_PROFILE_FILE, SSL_CERT_FILE and SSL_CERT_DIR begin at its starter's folder.
    #[must_use]
    pub const fn keep_env(mut self, names: &'static [&'static str]) -> Self {
        self.keep_env = names;
        self
    }
}
