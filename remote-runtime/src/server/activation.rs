//! A service manager that listens for the server.

use super::Way;
use crate::address::{self, Files};
use crate::client::Route;
use crate::daemon::manager;
use crate::error::{Call, Error, Result};
use crate::logline;
use crate::wire::hello::for_key;

/// A manager that listens for this server elsewhere has clients there, which would wait for nothing.
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
    if way.network(call)?.is_none()
        && let Some(listener) = manager::activated_network()
    {
        let at = listener
            .local_addr()
            .map(|at| at.to_string())
            .unwrap_or_default();
        return Err(Error::Unreachable(call.trouble(format_args!(
            "its service manager listens at `{at}`, and its address is `{}`; set {}=tcp://{at} for both, or let it listen at the socket, as `remotex unit {}` writes it",
            way.address(),
            address::variable(call.server),
            call.server,
        ))));
    }
    for path in manager::left_alone(&files.socket) {
        logline::write(format_args!(
            "server `{}`: its service manager listens at `{}`, too, which is not its socket, and is left alone",
            call.server,
            path.display()
        ));
    }
    Ok(())
}
