//! An `impl` block: its `pub` functions are remote, and those with `self` are methods of an object.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, GenericParam, ImplItem, ItemImpl, Visibility};

use crate::Mistakes;
use crate::function::{Function, Origin};
use crate::item::{Written, is_remote, refuse_generics};
use crate::object::{self, Method};
use crate::options::{Inner, Options, Traits};
use crate::stub;

/// What a block becomes, or `None` if it is none; functions with mistakes stay as they were written.
pub(crate) fn expand(
    options: Option<&Options>,
    item: &TokenStream,
    mistakes: &mut Mistakes,
) -> Option<TokenStream> {
    let mut block = mistakes.note(syn::parse2::<ItemImpl>(item.clone()))?;
    let shared = options
        .map(|options| options.traits.clone())
        .unwrap_or_default();
    shared.refuse_name("block", mistakes);
    if let Some((path, _)) = &block.trait_ {
        mistakes.add(
            path,
            "`#[remote]` goes on an inherent block, or on a trait itself; write `impl Type`, or move it to the `trait`",
        );
    }
    refuse_generics(&block.generics, "block", mistakes);
    // What such a block becomes would have mistakes of its own.
    let is_generic = block
        .generics
        .params
        .iter()
        .any(|param| !matches!(param, GenericParam::Lifetime(_)));
    let options = options.filter(|_| !is_generic);
    let origin = Origin::Of(&block.self_ty.clone());
    let (mut found, mut methods) = (0, Vec::new());
    for member in &mut block.items {
        let ImplItem::Fn(function) = member else {
            continue;
        };
        let inner = take_inner(&mut function.attrs, mistakes);
        let is_pub = matches!(function.vis, Visibility::Public(_));
        let own = match inner {
            Some(Inner::Skip) => {
                found += 1;
                continue;
            }
            Some(Inner::Traits(own)) if !is_pub => {
                const WORDS: &str = "only `pub` functions of a remote block are remote";
                match own.name {
                    Some(name) => mistakes.add(name, WORDS),
                    None => mistakes.add(&function.sig.ident, WORDS),
                }
                continue;
            }
            Some(Inner::Traits(own)) => own,
            None if !is_pub => continue,
            None => Traits::default(),
        };
        found += 1;
        let Some(written) = mistakes.note(syn::parse2::<Written>(function.to_token_stream()))
        else {
            continue;
        };
        let traits = Traits::of_block(&shared, own);
        let model = Function::of(&written.attrs, &written.sig, &origin, traits, mistakes);
        if written.sig.receiver().is_some() {
            // The method itself stays as it is; that of a reference is another one.
            methods.push(Method::of(written.attrs, written.sig, model));
        } else if let (Some(options), Some(model)) = (options, model) {
            *member = ImplItem::Verbatim(stub::expand(options, &written, &model));
        }
    }
    if found == 0 && block.trait_.is_none() {
        mistakes.add(
            &block.self_ty,
            "nothing in this block is remote; make its remote functions `pub`",
        );
    }
    if let (Some(lifetime), false) = (block.generics.lifetimes().next(), methods.is_empty()) {
        mistakes.add(
            lifetime,
            "an object that stays in the server borrows nothing from others; make it own what it has",
        );
        return Some(block.into_token_stream());
    }
    let object = options
        .filter(|_| !methods.is_empty())
        .map(|options| object::of_type(options, &block, &methods));
    Some(quote!(#block #object))
}

/// Takes `#[remote(…)]` off a function inside a block.
pub(crate) fn take_inner(attrs: &mut Vec<Attribute>, mistakes: &mut Mistakes) -> Option<Inner> {
    let at = attrs.iter().position(is_remote)?;
    let attr = attrs.remove(at);
    mistakes.note(attr.parse_args())
}
