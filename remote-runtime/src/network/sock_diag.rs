//! Asks the kernel which user owns a socket of this machine (sock_diag(7)).

#[cfg_attr(target_os = "linux", path = "sock_diag/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "sock_diag/other.rs")]
mod os;

pub(super) use os::SockDiag;
