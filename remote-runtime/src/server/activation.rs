//! The sockets at which a service manager listens for the server, or for another one.

use super::Way;
use crate::address::{Files, Network};
use crate::client::Route;
use crate::daemon::manager;
use crate::error::{Call, Error, Result};
use crate::logline;
use crate::wire::hello::for_key;

/// Refuses to serve where the manager listens for another key of this server, since its clients would wait
/// in vain. What is left to the program's own use is logged.
pub(super) fn refuse_wrong_unit(call: Call<'_>, way: &Way, files: &Files) -> Result<()> {
    if let Some(at) = manager::misplaced(call.server) {
        return Err(Error::Unreachable(call.trouble(format_args!(
            "its service manager listens at `{}`, and this process serves{} at `{}`; write the unit anew with `remotex unit {}`",
            at.display(),
            for_key(way.key()),
            files.socket.display(),
            call.server,
        ))));
    }
    let port = way.network(call)?.map(Network::port);
    for at in manager::left_alone(&files.socket, port) {
        logline::write(format_args!(
            "server `{}`: its service manager also listens at `{at}`, which the server at `{}` does not serve; if it is meant for this server, make the two addresses the same",
            call.server,
            way.address(),
        ));
    }
    Ok(())
}
