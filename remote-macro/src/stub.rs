//! What the caller gets: the function as it was written, which first asks where it is to run. What
//! the server registers stands inside it, so that what is allowed in the function, and whether it
//! exists, holds for that too.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, FnArg, Ident, Pat, ReturnType, Signature};

use crate::entry;
use crate::function::{Argument, Function, signature};
use crate::item::Written;
use crate::options::Options;

pub(crate) fn expand(options: &Options, written: &Written, function: &Function) -> TokenStream {
    let Written {
        attrs,
        vis,
        sig,
        body,
    } = written;
    let krate = &options.krate;
    let entry = entry::expand(options, function);
    let away = quote!(#krate::__private::Entry::away(&__REMOTEX_ENTRY));
    let question = question(options, sig, function, &away, None);
    let replaced = function
        .arguments
        .iter()
        .filter_map(|argument| Some((argument.pattern.as_ref()?, &argument.ident)));
    // An argument that is not bound lives to the end of the function, as it would have.
    let (patterns, idents): (Vec<_>, Vec<_>) = replaced
        .filter(|(pattern, _)| !matches!(pattern, Pat::Wild(_)))
        .unzip();
    let bindings = (!patterns.is_empty()).then(|| quote!(let (#(#patterns,)*) = (#(#idents,)*);));
    let sig = signature(sig, &function.arguments);
    // In a block of its own, so that its names do not meet those of the body.
    let block = body.after(&quote!({ #entry #question } #bindings));
    let tracked = tracked(attrs);
    quote!(#(#attrs)* #tracked #vis #sig #block)
}

/// What has an error note the line of the caller, as in `eyre`.
pub(crate) fn tracked(attrs: &[Attribute]) -> Option<TokenStream> {
    let is_tracked = |attr: &Attribute| attr.path().is_ident("track_caller");
    (!attrs.iter().any(is_tracked)).then(|| quote!(#[track_caller]))
}

/// Asks where the function is to run, and calls it if that is away. A method's object is the first
/// that is sent.
pub(crate) fn question(
    options: &Options,
    sig: &Signature,
    function: &Function,
    is_away: &TokenStream,
    object: Option<TokenStream>,
) -> TokenStream {
    let krate = &options.krate;
    let output = match &sig.output {
        ReturnType::Type(_, ty) => quote!(#ty),
        ReturnType::Default => quote!(()),
    };
    let way = entry::way(options, function.json, &output);
    // Local names that the function's own arguments cannot meet.
    let [away, out, ended] = ["away", "out", "ended"].map(local);
    let types = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(&typed.ty),
        FnArg::Receiver(_) => None,
    });
    let puts = function
        .arguments
        .iter()
        .zip(types)
        .map(|(Argument { name, ident, .. }, ty)| {
            quote!(#out.put(#name, (&&&&#krate::__private::Tag::<#ty>::new()).__remotex_carry(&#ident))?;)
        });
    let object = object.map(|object| quote!(#out.put("self", #object)?;));
    quote! {
        if let ::core::option::Option::Some(#away) = #is_away {
            use #krate::__private::tiers::*;
            let #ended = (&&&&&&#krate::__private::Tag::<#output>::new()).__remotex_ask(#away, &mut |#out| {
                #object
                #(#puts)*
                ::core::result::Result::Ok(())
            }, #way);
            if let ::core::option::Option::Some(#ended) = #ended {
                return #ended;
            }
        }
    }
}

/// A name of ours that neither the user's locals nor their statics meet.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(&format!("__remotex_{name}"), Span::mixed_site())
}
