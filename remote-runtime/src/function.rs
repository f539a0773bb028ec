//! The functions that a program serves, as the macro describes them.

mod reply;
mod visitor;
#[cfg(test)]
mod written;

use std::env;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::codec::{Decoder, Encoder, Form, Unencoded};
use crate::session::scope::{self, Scope};
use crate::shape::{Shape, Structure};
use crate::wire::Kind;
use crate::wire::call::{Fingerprint, LARGEST_HEAD};
use crate::wire::fault::Fault;
use crate::wire::interface::{self, Interface};

pub use reply::Reply;
pub use visitor::TypeVisitor;

/// One remote function: what is known of it wherever it can be called.
#[derive(Debug)]
pub struct Function {
    /// Its name on the wire: `post`, `BBoard::post`.
    pub name: &'static str,
    /// Its documentation, as it was written.
    pub docs: &'static str,
    /// Where it was written, as `file:line`.
    pub place: (&'static str, u32),
    /// The crate that declares it.
    pub program: &'static str,
    /// The version of that crate; empty if it has none.
    pub version: &'static str,
    /// Its arguments as they were written: name and type.
    pub arguments: &'static [(&'static str, &'static str)],
    /// Its return type.
    pub output: &'static str,
    /// Whether it may run again where nobody knows how a call of it ended.
    pub idempotent: bool,
    /// Whether it is right without the server's state.
    pub or_local: bool,
    /// The author's word for types that serde does not show wholly.
    pub types: Option<&'static str>,
    /// How long a call waits for its answer, if that is not what the server's setting says.
    pub timeout: Option<Duration>,
    /// Whether its values travel as CBOR, which describes itself.
    pub json: bool,
    /// Whether a call of it starts no server.
    pub no_start: bool,
    /// Has its types visited.
    pub visit: fn(&mut TypeVisitor<'_>),
    /// The findings about its types, once they were asked for.
    pub known: Known,
    /// Takes the arguments off a message, runs the function, and puts down how it ended.
    pub handler: Handler,
}

/// What is found out when it is first asked for.
#[derive(Debug, Default)]
pub struct Known {
    /// The fingerprint of all that is known, and the type that serde does not show.
    fingerprint: OnceLock<(Fingerprint, Option<&'static str>)>,
    /// A flag: its types were found to write what they read.
    is_checked: AtomicBool,
}

impl Known {
    /// Nobody has asked yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            fingerprint: OnceLock::new(),
            is_checked: AtomicBool::new(false),
        }
    }
}

impl Function {
    /// All that there is to know of it.
    pub(crate) fn describe(&self) -> interface::Function {
        let mut described = self.outline();
        described.fingerprint = Some(self.plain_fingerprint());
        described.structure = self.structure();
        described
    }

    /// What was written down of it, without a look at its types.
    pub(crate) fn outline(&self) -> interface::Function {
        let owned = |(name, ty): &(&str, &str)| ((*name).to_owned(), (*ty).to_owned());
        interface::Function {
            name: self.name.to_owned(),
            docs: docs(self.docs),
            package: self.program.to_owned(),
            file: self.place.0.to_owned(),
            line: self.place.1,
            arguments: self.arguments.iter().map(owned).collect(),
            output: self.output.to_owned(),
            idempotent: self.idempotent,
            or_local: self.or_local,
            fingerprint: None,
            structure: None,
        }
    }

    /// Runs it in this process, with a list of its arguments as CBOR, and returns its reply as CBOR.
    ///
    /// # Errors
    /// If it fails, or the arguments are none of its.
    pub(crate) fn run(&self, arguments: &[u8]) -> Result<(Kind, Vec<u8>), Fault> {
        self.check_types()?;
        let encoded = self.encode(arguments, usize::MAX)?;
        let mut body = Vec::new();
        let encoder = Encoder::new(&mut body, 0, usize::MAX).in_form(Form::Plain);
        let mut reply = Reply::new(encoder, true);
        let _entered = scope::enter(Scope::Outside);
        (self.handler)(&mut Decoder::new(&encoded).in_form(self.form()), &mut reply)?;
        let (kind, block) = (reply.kind(), reply.into_block());
        body.extend_from_slice(&block);
        Ok((kind, body))
    }

    /// Its types, as callers see them that do not have them; only where serde shows them.
    fn structure(&self) -> Option<Structure> {
        let mut shape = Shape::plain();
        self.show_types(&mut shape);
        shape.structure(self.arguments.len())
    }

    /// How the values of its calls travel between compiled programs.
    #[inline]
    pub(crate) fn form(&self) -> Form {
        match self.json {
            false => Form::Compiled,
            true => Form::Plain,
        }
    }

    /// Adds its types to a shape.
    fn show_types(&self, shape: &mut Shape) {
        let _entered = scope::enter(Scope::Tracing);
        (self.visit)(&mut TypeVisitor::showing(shape));
    }

    /// Tells it from a function of another build: its crate, name and signature, its types as
    /// serde sees them, and the author's word for them. `None` if serde does not show all of them, and
    /// there is no word.
    pub(crate) fn fingerprint(&self) -> Option<Fingerprint> {
        let (fingerprint, unknown) = self.known();
        unknown.is_none().then_some(fingerprint)
    }

    /// The same, also without the types that serde does not show: a plain call's values say what they are,
    /// so that only the function must be the same.
    pub(crate) fn plain_fingerprint(&self) -> Fingerprint {
        self.known().0
    }

    /// The type for which it has no fingerprint.
    pub(crate) fn unknown_type(&self) -> Option<&'static str> {
        self.known().1
    }

    fn known(&self) -> (Fingerprint, Option<&'static str>) {
        *self.known.fingerprint.get_or_init(|| {
            let mut shape = Shape::remembering();
            let signature = self.arguments.iter().flat_map(|(name, ty)| [*name, *ty]);
            let types = self.types.iter().flat_map(|types| ["types", *types]);
            for word in [self.program, self.name, self.output]
                .into_iter()
                .chain(signature)
                .chain(types)
            {
                shape.word(word);
            }
            if self.json {
                // What is read then tells itself what it is.
                shape.word("json");
                return (shape.known_part(), None);
            }
            self.show_types(&mut shape);
            let unknown = shape.unknown().filter(|_| self.types.is_none());
            (shape.known_part(), unknown)
        })
    }

    /// Checks that its types write what they read, as far as serde shows that without a value of the
    /// user's: once in a process, before the function runs for the first time.
    ///
    /// # Errors
    /// If one does not.
    #[inline] // Each call takes it.
    pub(crate) fn check_types(&self) -> Result<(), Fault> {
        if self.json || self.known.is_checked.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.check_types_once()
    }

    #[cold]
    fn check_types_once(&self) -> Result<(), Fault> {
        // A type may panic at a sample, which would end a process that aborts on panic.
        if !cfg!(panic = "abort") {
            let mut shape = Shape::of_written();
            self.show_types(&mut shape);
            if let Some(ty) = shape.unfit() {
                return Err(Fault::Mismatch(format!(
                    "its type `{ty}` does not write what it reads; make its `Serialize` write, in a format without field names, what its `Deserialize` asks for"
                )));
            }
        }
        self.known.is_checked.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Documentation without the indentation that all of its lines have, and without an end of empty ones.
fn docs(written: &str) -> String {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let lines = written.lines().filter(|line| !line.trim().is_empty());
    let common = lines.map(indentation).min().unwrap_or(0);
    let lines = written.lines().map(|line| line.get(common..).unwrap_or(""));
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

/// The crate that declares a function, as the macro sees it: its package, or, built without cargo,
/// its module.
///
/// # Panics
/// If that and the function's name are longer than a call can say. In a `static` that is an error of
/// the compiler.
#[must_use]
pub const fn program(
    package: Option<&'static str>,
    module: &'static str,
    function: &str,
) -> &'static str {
    let program = match package {
        Some(package) => package,
        None => module,
    };
    assert!(
        program.len() + function.len() < LARGEST_HEAD / 2,
        "the names of the function and of its package are too long"
    );
    program
}

/// The version of the crate that declares a function, as the macro sees it.
///
/// # Panics
/// If it is longer than a call can say. In a `static` that is an error of the compiler.
#[must_use]
pub const fn version(package: Option<&'static str>) -> &'static str {
    let version = match package {
        Some(version) => version,
        None => "",
    };
    assert!(
        version.len() <= LONGEST_VERSION,
        "the version of the package is too long"
    );
    version
}

/// The longest version of a crate, in bytes.
const LONGEST_VERSION: usize = 256;

/// What the macro writes for a function.
pub type Handler = fn(&mut Decoder<'_>, &mut Reply<'_>) -> Result<(), Fault>;

impl From<Unencoded> for Fault {
    /// Of an answer: arguments are encoded at the client.
    fn from(e: Unencoded) -> Self {
        match e {
            Unencoded::Unsendable(why) => Self::Unsendable {
                argument: None,
                why,
            },
            Unencoded::TooLarge { size, limit } => Self::TooLarge {
                size: size as u64,
                limit: limit as u64,
                answer: true,
            },
        }
    }
}

/// The functions of one server, in the order of their names: to halve a few times what is there takes
/// less than to hash a name, and little more where there are thousands.
#[derive(Debug)]
pub struct Table {
    functions: Vec<&'static Function>,
    /// The crates that declare functions of the server, exposed or not.
    programs: Vec<&'static str>,
    /// Their versions.
    versions: Vec<&'static str>,
}

/// Two functions of one name on one server.
#[derive(Debug)]
pub struct Duplicate(pub &'static Function, pub &'static Function);

impl fmt::Display for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b) = if self.0.place < self.1.place {
            (self.0, self.1)
        } else {
            (self.1, self.0)
        };
        write!(
            f,
            "`{}` is the name of two functions, at {}:{} and at {}:{}; give one of them another with `name = \"…\"`",
            a.name, a.place.0, a.place.1, b.place.0, b.place.1
        )
    }
}

impl Table {
    /// A table of these functions, of those for which `is_exposed` says so.
    ///
    /// # Errors
    /// If two have one name.
    pub(crate) fn of(
        functions: impl Iterator<Item = &'static Function>,
        is_exposed: impl Fn(&Function) -> bool,
    ) -> Result<Self, Duplicate> {
        let mut table = Self {
            functions: Vec::new(),
            programs: Vec::new(),
            versions: Vec::new(),
        };
        for function in functions {
            if let Err(at) = table.programs.binary_search(&function.program) {
                table.programs.insert(at, function.program);
                table.versions.insert(at, function.version);
            }
            if !is_exposed(function) {
                continue;
            }
            match table.find(function.name) {
                Ok(at) => return Err(Duplicate(table.functions[at], function)),
                Err(at) => table.functions.insert(at, function),
            }
        }
        Ok(table)
    }

    /// Whether that crate declares functions of the server.
    pub(crate) fn is_of(&self, program: &str) -> bool {
        self.programs.binary_search(&program).is_ok()
    }

    /// The version of a crate that declares functions of the server.
    pub(crate) fn version_of(&self, program: &str) -> Option<&'static str> {
        let at = self.programs.binary_search(&program).ok()?;
        Some(self.versions[at])
    }

    /// The crates that declare them, in order.
    pub(crate) fn programs(&self) -> &[&'static str] {
        &self.programs
    }

    /// All that there is to know of them.
    pub(crate) fn interface(&self, server: &str, key: String) -> Interface {
        let functions = self.functions.iter();
        Interface {
            server: server.to_owned(),
            key,
            program: env::current_exe().unwrap_or_default(),
            functions: functions.map(|function| function.describe()).collect(),
        }
    }

    /// Their names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.functions.iter().map(|function| function.name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'static Function> {
        self.find(name).ok().map(|at| self.functions[at])
    }

    /// Returns the function that lies at an address.
    pub(crate) fn at(&self, address: *const Function) -> Option<&'static Function> {
        let mut functions = self.functions.iter().copied();
        functions.find(|function| std::ptr::eq(*function, address))
    }

    /// Where the function of that name is, or would be.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.functions
            .binary_search_by(|function| function.name.cmp(name))
    }
}
