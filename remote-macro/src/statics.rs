//! A `static`: a `Variable` that clients get and set, or any other one, which is guarded against use
//! outside of the server.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Ident, ItemStatic, LitStr, StaticMutability, Type};

use crate::Mistakes;
use crate::function::{Function, Origin, bare};
use crate::item::{Written, literal};
use crate::options::{Options, Traits};
use crate::{stub, types};

/// What a static becomes, or `None` if it is none.
pub(crate) fn expand(
    options: Option<&Options>,
    item: &TokenStream,
    mistakes: &mut Mistakes,
) -> Option<TokenStream> {
    let item = mistakes.note(syn::parse2::<ItemStatic>(item.clone()))?;
    if let StaticMutability::Mut(token) = &item.mutability {
        mistakes.add(
            token,
            "a static of the server is not `mut`, since many threads use it; put it into a `remotex::Mutex`",
        );
        return None;
    }
    let options = options?;
    let Traits {
        name,
        idempotent,
        or_local,
        read_only,
        types: vouched,
        timeout,
        json,
        no_start,
    } = &options.traits;
    if let Some(at) = idempotent.or(*or_local) {
        mistakes.push(syn::Error::new(
            at,
            "this is for functions; a static has `name = \"…\"`, `types = \"…\"`, `timeout = \"…\"`, `json`, `no_start` and `read_only`",
        ));
    }
    if types::last_ident(&item.ty) == "Variable" {
        return variable(options, &item, mistakes);
    }
    if let Some(at) = *read_only {
        mistakes.push(syn::Error::new(
            at,
            "only a `Variable` can be `read_only`; clients see nothing of another static",
        ));
    }
    if let Some(name) = name {
        mistakes.add(
            name,
            "only a `Variable` has a name on the wire; clients see nothing of another static",
        );
    }
    if let Some(vouched) = vouched {
        mistakes.add(
            vouched,
            "only the type of a `Variable` travels; clients see nothing of another static",
        );
    }
    if let Some(at) = timeout.map(|(at, _)| at).or(*json).or(*no_start) {
        mistakes.push(syn::Error::new(
            at,
            "only a `Variable` is called; clients see nothing of another static",
        ));
    }
    Some(guarded(options, &item))
}

/// Whatever is not a `Variable`: to use it outside of the server is a panic.
fn guarded(options: &Options, item: &ItemStatic) -> TokenStream {
    let (krate, server) = (&options.krate, &options.server);
    let (ty, expr, name) = (&item.ty, &item.expr, bare(&item.ident));
    let guarded = quote!(#krate::Guarded::new(#krate::__private::declared(&#server), #name, #expr));
    declared(item, &quote!(#krate::Guarded<#ty>), &guarded)
}

/// A variable, with the remote functions that clients get and set it by.
fn variable(options: &Options, item: &ItemStatic, mistakes: &mut Mistakes) -> Option<TokenStream> {
    let (krate, server) = (&options.krate, &options.server);
    let ItemStatic {
        attrs,
        ident,
        ty,
        expr,
        ..
    } = item;
    let Some(value) = types::parameter(ty) else {
        mistakes.add(ty, "say of what type it is: write `Variable<T>`");
        return None;
    };
    let name = match &options.traits.name {
        Some(name) => name.value(),
        None => bare(ident),
    };
    let docs: Vec<_> = attrs
        .iter()
        .filter(|attr| attr.path().is_ident("doc"))
        .collect();
    let mut function = |what: &str, idempotent: bool, signature: TokenStream, body: TokenStream| {
        let function = format_ident!("__remotex_{what}");
        let written = quote!(#(#docs)* fn #function #signature { #body });
        let written = mistakes.note(syn::parse2::<Written>(written))?;
        let traits = Traits {
            name: Some(literal(&format!("{name}::{what}"), ident)),
            idempotent: idempotent.then(Span::call_site),
            types: options.traits.types.clone(),
            timeout: options.traits.timeout,
            json: options.traits.json,
            no_start: options.traits.no_start,
            ..Traits::default()
        };
        let model = Function::of(
            &written.attrs,
            &written.sig,
            &Origin::Free,
            traits,
            mistakes,
        )?;
        Some((function, stub::expand(options, &written, &model)))
    };
    let result = |of: &Type| quote!(#krate::Result<#of>);
    let (unit, truth): (Type, Type) = (syn::parse_quote!(()), syn::parse_quote!(bool));
    let [get_result, set_result, replace_result] = [value, &unit, &truth].map(result);
    let (get, get_item) = function(
        "get",
        true,
        quote!(() -> #get_result),
        quote!(#krate::__private::get(&#ident)),
    )?;
    let (changes, change_items) = if options.traits.read_only.is_some() {
        (quote!(::core::option::Option::None), TokenStream::new())
    } else {
        let (set, set_item) = function(
            "set",
            false,
            quote!((__remotex_value: &#value) -> #set_result),
            quote!(#krate::__private::set(&#ident, __remotex_value)),
        )?;
        let (replace, replace_item) = function(
            "replace",
            false,
            quote!((__remotex_old: &#value, __remotex_new: &#value) -> #replace_result),
            quote!(#krate::__private::replace(&#ident, __remotex_old, __remotex_new)),
        )?;
        (
            quote!(::core::option::Option::Some((#set, #replace))),
            quote!(#set_item #replace_item),
        )
    };
    let name = LitStr::new(&name, ident.span());
    let at = Ident::new("__REMOTEX_ACCESS", Span::mixed_site());
    let served = quote! {{
        #get_item
        #change_items
        static #at: #krate::__private::Access<#value> = #krate::__private::Access {
            server: #krate::__private::declared(&#server),
            name: #name,
            get: #get,
            changes: #changes,
        };
        #krate::__private::variable(#expr, &#at)
    }};
    Some(declared(item, &quote!(#ty), &served))
}

/// The static as it was written, but for its type and its value.
fn declared(item: &ItemStatic, ty: &TokenStream, value: &TokenStream) -> TokenStream {
    let ItemStatic {
        attrs, vis, ident, ..
    } = item;
    quote! {
        #(#attrs)*
        #vis static #ident: #ty = #value;
    }
}
