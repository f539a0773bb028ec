//! Calls without the compiled types: the feature `json`.
//!
//! The arguments travel as CBOR, which the types of the function read themselves in the server, and so does
//! the answer, which they write. So JSON means what serde's JSON of these types means, and all checks,
//! limits and hooks of the server are the same.

mod measure;

use serde_json::{Map, Value};

use crate::call::{At, print_if_wanted};
use crate::client::{Reply, Request, Route};
use crate::codec::Encoder;
use crate::error::{Call, Error, Result};
use crate::json::{Raised, answer, encoded};
use crate::server::Server;
use crate::wire::Kind;
use crate::wire::fault::{self, Fault};
use crate::wire::interface::Function;
use crate::{chain, registry};

impl Server {
    /// Calls a function by its name on the wire, with its arguments as JSON, by their names.
    ///
    /// Values are written as `serde_json` writes them for the types of the function, whose `Serialize` and
    /// `Deserialize` run in the server: with `default`, `alias` and all else that they say. Where JSON is
    /// too narrow, these rules hold:
    /// - An argument that is an `Option` can be left out. In an `Option<Option<T>>`, `null` is the outer
    ///   `None`.
    /// - An integer is a number, and is taken as a text of digits and as a float without a fraction, too,
    ///   since not every language has integers of more than 53 bits. One of more than 64 bits is answered
    ///   as a text.
    /// - A float that is no number is `"NaN"`, `"inf"` or `"-inf"`.
    /// - Bytes are a list of numbers; an argument that is nothing but bytes may be a text. A path is a text,
    ///   and an answer that is one and not UTF-8 is an error.
    /// - A map whose keys are no texts, numbers or truth values is a list of pairs.
    /// - A reference (`Remote<T>`) is answered as a text that names its type, and cannot be given.
    ///
    /// The inner `Err` is what the function has failed with, if that travels as its own type, with its
    /// text.
    ///
    /// # Errors
    /// As of any call; [`Error::UnknownFunction`] and [`Error::Unsendable`] say which name or argument is
    /// wrong, and what it should be.
    pub fn call_json(
        &'static self,
        function: &str,
        arguments: &Map<String, Value>,
    ) -> Result<Result<Value, Raised>> {
        self.call_json_of(self.interface()?.function(function)?, arguments)
    }

    /// The same, of a function that the server's [`interface`](Server::interface) has told of before: so
    /// one call is one message to the server and one back.
    ///
    /// # Errors
    /// As of [`call_json`](Server::call_json); [`Error::Mismatch`] if the server has been replaced by one
    /// whose function is another.
    pub fn call_json_of(
        &'static self,
        function: &Function,
        arguments: &Map<String, Value>,
    ) -> Result<Result<Value, Raised>> {
        let call = Call::of(self.name(), &function.name);
        let arguments = encoded(function, call, arguments)?;
        if self.is_local() {
            let (kind, body) = self.run_here(call, function, &arguments)?;
            return answer(call, kind, &body);
        }
        // It does not count as read: nobody holds the references that were in it.
        let reply = self.exchange(call, function, &arguments)?;
        answer(call, reply.kind(), reply.body())
    }

    fn exchange(
        &'static self,
        call: Call<'_>,
        function: &Function,
        arguments: &[u8],
    ) -> Result<Reply> {
        let way = self.way(call)?;
        let holdings = self.client().holdings(way.key());
        let chain = chain::outgoing();
        let request = Request {
            call,
            holdings,
            program: &function.package,
            version: "",
            fingerprint: &|| function.fingerprint,
            idempotent: function.idempotent,
            trace: None,
            chain: chain.as_deref(),
            wants_block: false,
            is_plain: true,
            record: &|record| At::record(self, &function.name, holdings.key, record),
        };
        let mut encode = |encoder: &mut Encoder<'_, '_>| {
            let put = encoder.put_encoded(arguments);
            put.map_err(|e| e.of_argument(call, "of it"))
        };
        let exchanged = self.client().exchange(&request, &way, &mut encode);
        exchanged.inspect_err(print_if_wanted)
    }

    /// Runs a function of this process as its server would.
    fn run_here(
        &'static self,
        call: Call<'_>,
        function: &Function,
        arguments: &[u8],
    ) -> Result<(Kind, Vec<u8>)> {
        let table = registry::table_of(self).map_err(|e| Error::Mismatch(call.trouble(e)))?;
        let found = table.get(&function.name);
        let ended = found.map_or(Err(Fault::UnknownFunction), |it| it.run(arguments));
        ended.map_err(|fault| {
            let mut body = Vec::new();
            fault.put(&mut body);
            fault::error(call, &body)
        })
    }
}
