//! Calls without the compiled types: the feature `json`.
//!
//! A server says how the types of its functions lie on the wire ([`Structure`]). So JSON becomes the
//! very bytes that a compiled client would send, and the answer's bytes become JSON: the server does
//! not know the difference, and all of its checks, limits and hooks are the same.

mod measure;

use serde_json::{Map, Value};

use crate::call::{At, print_if_wanted};
use crate::client::{Reply, Request, Route};
use crate::codec::Encoder;
use crate::error::{Call, Error, Result};
use crate::json::{Raised, answer, encoded, structure};
use crate::server::Server;
use crate::wire::Kind;
use crate::wire::fault::{self, Fault};
use crate::wire::interface::Function;
use crate::{chain, registry};

impl Server {
    /// Calls a function by its name on the wire, with its arguments as JSON, by their names.
    ///
    /// What serde sees decides how values are written: a struct is an object, an enum as `serde_json`
    /// has it by default, `None` is `null` and can be left out, bytes and paths are texts or lists of
    /// numbers, numbers beyond 64 bits are texts. A reference (`Remote<T>`) is answered as a text that
    /// names its type.
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
        let structure = structure(function, call)?;
        let arguments = encoded(function, call, arguments)?;
        if self.is_local() {
            let (kind, body) = self.run_here(call, function, &arguments)?;
            return answer(call, kind, &body, structure);
        }
        // It does not count as read: nobody holds the references that were in it.
        let reply = self.exchange(call, function, &arguments)?;
        answer(call, reply.kind(), reply.body(), structure)
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
            wants_text: true,
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
