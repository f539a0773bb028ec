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
    // An argument that is not bound lives to the end of the function, as it would have.
    let bindings = function.arguments.iter().filter_map(|argument| {
        let Argument {
            name,
            pattern,
            ident,
            attrs,
            ..
        } = argument;
        let pattern = pattern
            .as_ref()
            .filter(|pattern| !matches!(pattern, Pat::Wild(_)))?;
        // One that is not meant to be used is bound all the same.
        let allow = name
            .starts_with('_')
            .then(|| quote!(#[allow(clippy::no_effect_underscore_binding)]));
        Some(quote!(#allow #(#attrs)* let #pattern = #ident;))
    });
    let output = &sig.output;
    let block = body.within(|body| {
        let run = quote!(#(#bindings)* #body);
        let run = match is_tracked(attrs) {
            true => run,
            // A panic in a closure is at its own line, and not at that of the caller.
            false => quote!((move || #output { #run })()),
        };
        // The first in a block of its own, so that its names do not meet those of the body.
        quote!({ #entry #question } #run)
    });
    let tracked = (!is_tracked(attrs)).then(|| quote!(#[track_caller]));
    let sig = signature(sig, &function.arguments);
    quote!(#(#attrs)* #tracked #vis #sig #block)
}

/// Returns `true` if the author has asked for the caller's line in the body.
fn is_tracked(attrs: &[Attribute]) -> bool {
    attrs
        .iter()
        .any(|attr| attr.path().is_ident("track_caller"))
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

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;

    use crate::item;

    /// The expansion of a function with one argument, below which these attributes stand.
    fn expanded(attrs: &TokenStream) -> String {
        let function = quote! {
            #attrs
            pub fn count(items: Vec<u8>) -> remotex::Result<usize> {
                Ok(items.len())
            }
        };
        item::expand(quote!(SERVER), &function).to_string()
    }

    #[test]
    fn other_macros_see_the_names_of_the_arguments() {
        let bound = "let items = items ;";
        for inert in [
            quote!(),
            quote!(#[doc = "Counts."]),
            quote!(#[clippy::msrv = "1"]),
        ] {
            assert!(expanded(&inert).contains(bound), "{inert}");
        }
        for macros in [
            quote!(#[instrument(fields(n = items.len()))]),
            quote!(#[tracing::instrument]),
            quote!(#[cfg_attr(feature = "spans", instrument)]),
        ] {
            assert!(!expanded(&macros).contains(bound), "{macros}");
        }
    }
}
