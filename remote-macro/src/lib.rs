//! The attribute of remotex. Use it through that crate, which has its documentation.
//!
//! # What it writes
//! A remote function stays as it was written. Before its body stand an entry in the table of all
//! remote functions, which the linker gathers, and a question:
//!
//! ```ignore
//! pub fn post(item: &str, by: &str) -> remotex::Result<()> {
//!     {
//!         fn handler(from: &mut Decoder<'_>, reply: &mut Reply<'_>) -> Result<(), Fault> {
//!             let item = (&&&&Tag::<&str>::new()).hold("item", from)?;
//!             let by = (&&&&Tag::<&str>::new()).hold("by", from)?;
//!             finish(from)?;
//!             let ended = post(item.lend(), by.lend());
//!             (&&Tag::<remotex::Result<()>>::new()).tell(&ended, reply);
//!             (&&&&&&Tag::<remotex::Result<()>>::new()).answer(ended, reply, way)
//!         }
//!         fn visit(visitor: &mut TypeVisitor<'_>) {
//!             (&&&&Tag::<&str>::new()).visit(visitor);
//!             (&&&&Tag::<&str>::new()).visit(visitor);
//!             (&&&&&&Tag::<remotex::Result<()>>::new()).visit_answer(visitor, way);
//!         }
//!         #[distributed_slice(ENTRIES)]
//!         static ENTRY: Entry = Entry { server: &SERVER, function: Function { name: "post", handler, visit, .. } };
//!
//!         if let Some(away) = Entry::away(&ENTRY) {
//!             let ended = (&&&&&&Tag::<remotex::Result<()>>::new()).ask(away, &mut |out| {
//!                 out.put("item", &(&&&&Tag::<&str>::new()).carry(&item))?;
//!                 out.put("by", &(&&&&Tag::<&str>::new()).carry(&by))
//!             }, way);
//!             if let Some(ended) = ended {
//!                 return ended;
//!             }
//!         }
//!     }
//!     { /* the body */ }
//! }
//! ```
//!
//! `way` is how the `Ok` value travels: `(&&(&&Tag::<remotex::Result<()>>::new()).ok()).way()`. The
//! methods that are called here by name begin with `__remotex_`, which is left out above: a user's
//! trait with a method of such a name for all types would else be in the way.
//!
//! The handler calls the function itself, which finds that it is in the server, and runs on. What
//! the references before a `Tag` are for is told in `remote_runtime::tag`.
//!
//! # Objects
//! A method stays as it was written, too. Beside its block stands a proxy, which a `Remote` of the type
//! derefs to, with a method of the same name for each:
//!
//! ```ignore
//! const _: () = {
//!     pub struct Proxy(Handle<Track>);
//!     impl Object for Track { type Kept = Track; type Proxy = Proxy; .. }
//!     impl Keep<Track> for Track { .. }
//!     impl Proxy {
//!         pub fn append(&self, point: Point) -> remotex::Result<usize> {
//!             { /* entry and question, as above; the first argument is the handle */ }
//!             match self.0.write("`Track::append`") {
//!                 Ok(mut object) => <Track>::append(&mut *object, point),
//!                 Err(e) => Err(From::<remotex::Error>::from(e)),
//!             }
//!         }
//!     }
//! };
//! ```
//!
//! # How
//! Options and item are parsed (`options`, `item`; `block`, `interface`, `statics`), a function becomes a model that cannot be
//! wrong (`function`), and of that come the two halves (`stub`, `entry`), and the proxy (`object`). Of an item with a
//! mistake come all its errors, and the item as it was written, so that an editor goes on knowing it.

mod options;
mod item;
mod block;
mod interface;
mod statics;
mod function;
mod types;
mod stub;
mod entry;
mod object;

use proc_macro::TokenStream;

/// Makes a function run in its server's process only; see the documentation of `remotex`.
#[proc_macro_attribute]
pub fn remote(options: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(options.into(), &item.into()).into()
}

/// The mistakes of one item, which are reported together.
#[derive(Default)]
struct Mistakes(Option<syn::Error>);

impl Mistakes {
    fn add(&mut self, at: impl quote::ToTokens, words: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(at, words));
    }

    fn push(&mut self, e: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(e),
            none => *none = Some(e),
        }
    }

    /// Takes what went well, and notes what did not.
    fn note<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|e| self.push(e)).ok()
    }

    fn into_compile_errors(self) -> Option<proc_macro2::TokenStream> {
        self.0.map(syn::Error::into_compile_error)
    }
}
