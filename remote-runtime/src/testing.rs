//! What tests need of remotex, their own and those of its users: the feature `testing`. Without it,
//! what the rest of this crate asks here is answered by nothing.

#[cfg_attr(feature = "testing", path = "testing/enabled.rs")]
#[cfg_attr(not(feature = "testing"), path = "testing/disabled.rs")]
mod hooks;
#[cfg(feature = "testing")]
mod home;

pub(crate) use hooks::{
    arguments, end_with, folder, has_daemon, is_home, is_local, key, step, variables,
};

#[cfg(feature = "testing")]
pub use home::{Home, Stampede};
#[cfg(feature = "testing")]
pub use hooks::{DAEMONS, Key, LOCALS, STEPS, kill_at, state_folder};
