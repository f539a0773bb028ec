//! What generated code may name, and nothing else.

pub use remote_runtime::answer::AsValue;
pub use remote_runtime::argument::finish;
pub use remote_runtime::codec::Decoder;
pub use remote_runtime::function::{Function, Known, Reply, TypeVisitor, program, version};
pub use remote_runtime::linkme;
pub use remote_runtime::registry::{ENTRIES, Entry, declared};
pub use remote_runtime::remote::{Cell, Handle, Keep, Proxy};
// Two blocks of methods are two implementations of this, of which the compiler says no more than the name.
pub use remote_runtime::remote::Object as AllRemoteMethodsOfATypeStandInOneBlock;
pub use remote_runtime::tag::Tag;
#[cfg(feature = "testing")]
pub use remote_runtime::testing::{DAEMONS, LOCALS};
pub use remote_runtime::variable::{Access, get, replace, set, variable};
pub use remote_runtime::wire::fault::Fault;

/// The traits whose methods choose how a type travels, without names that could meet the user's.
pub mod tiers {
    pub use remote_runtime::answer::{
        AnswerBoxed as _, AnswerBoxedSync as _, AnswerNothing as _, AnswerOurs as _,
        AnswerTyped as _, CheckError as _, CheckReturn as _, OkOfNothing as _, OkOfResult as _,
        TellNothing as _, TellText as _, WayBlock as _, WayNumbers as _, WayValue as _,
    };
    pub use remote_runtime::argument::{
        CarryBytes as _, CarryBytesOption as _, CarryBytesRef as _, CarryNothing as _,
        CarryNumbers as _, CarryValue as _, CheckBytes as _, CheckBytesOption as _,
        CheckNothing as _, CheckOption as _, CheckRef as _, CheckSlice as _, CheckSliceOption as _,
        CheckValue as _, HoldBytes as _, HoldBytesOption as _, HoldBytesRef as _, HoldNothing as _,
        HoldNumbers as _, HoldRef as _, HoldValue as _,
    };
}
