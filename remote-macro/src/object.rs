//! What stays in the server: the proxy that a `Remote` derefs to, with a method for each remote one
//! of its object, which calls that one here or away.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Ident, ItemImpl, ItemTrait, Pat, Signature, Type, parse_quote};

use crate::function::{Access, Function, signature};
use crate::item::is_cfg;
use crate::options::Options;
use crate::stub::local;
use crate::{entry, stub, types};

/// A remote method.
pub(crate) struct Method {
    attrs: Vec<Attribute>,
    sig: Signature,
    /// `None` if the method was refused; calls of it still compile.
    function: Option<Function>,
}

impl Method {
    pub(crate) fn of(
        attrs: Vec<Attribute>,
        sig: Signature,
        function: impl Into<Option<Function>>,
    ) -> Self {
        Self {
            attrs,
            sig,
            function: function.into(),
        }
    }
}

impl Method {
    /// Returns `true` if a trait with this method can be a `dyn Trait`.
    pub(crate) fn is_dyn(&self) -> bool {
        self.function.is_some()
    }
}

/// The name of the proxy, in the block that it is declared in.
pub(crate) fn proxy() -> Ident {
    Ident::new("__RemotexProxy", Span::call_site())
}

/// An object that is kept as what it is.
pub(crate) fn of_type(options: &Options, block: &ItemImpl, methods: &[Method]) -> TokenStream {
    let ty = &*block.self_ty;
    let keep = TokenStream::new();
    expand(options, &block.attrs, ty, ty, &quote!(#ty), &keep, methods)
}

/// An object that is kept as a trait object; whoever implements the trait can be one.
pub(crate) fn of_trait(options: &Options, item: &ItemTrait, methods: &[Method]) -> TokenStream {
    let krate = &options.krate;
    let name = &item.ident;
    let (ty, kept): (Type, Type) = (
        parse_quote!(dyn #name),
        parse_quote!(dyn #name + ::core::marker::Send + ::core::marker::Sync),
    );
    let keep = quote! {
        #[doc(hidden)]
        impl<__RemotexValue> #krate::__private::Keep<__RemotexValue> for #ty
        where
            __RemotexValue: #name + ::core::marker::Send + ::core::marker::Sync + 'static,
        {
            fn keep(value: __RemotexValue) -> ::std::sync::Arc<#krate::__private::Cell<#kept>> {
                ::std::sync::Arc::new(#krate::__private::Cell::new(value))
            }
        }
    };
    let home = quote!(#kept as #name);
    expand(options, &item.attrs, &ty, &kept, &home, &keep, methods)
}

fn expand(
    options: &Options,
    attrs: &[Attribute],
    ty: &Type,
    kept: &Type,
    home: &TokenStream,
    keep: &TokenStream,
    methods: &[Method],
) -> TokenStream {
    let krate = &options.krate;
    let proxy = proxy();
    let cfgs = attrs.iter().filter(|attr| is_cfg(attr));
    let server = &options.server;
    let name = types::last_ident(ty);
    let reference = format!("Remote<{}>", types::text(ty));
    let methods = methods
        .iter()
        .map(|method| expand_method(options, method, ty, home));
    quote! {
        #(#cfgs)*
        // What there is to say of the methods is said where they were written.
        #[allow(
            warnings, unused, nonstandard_style, deprecated, unreachable_pub, private_interfaces,
            missing_docs, missing_debug_implementations,
            clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction
        )]
        const _: () = {
            #[doc(hidden)]
            pub struct #proxy {
                __remotex_handle: #krate::__private::Handle<#ty>,
            }

            #[doc(hidden)]
            impl #krate::__private::AllRemoteMethodsOfATypeStandInOneBlock for #ty {
                type Kept = #kept;
                type Proxy = #proxy;
                const NAME: &'static str = #name;
                const REFERENCE: &'static str = #reference;
                fn server() -> &'static #krate::Server {
                    #krate::__private::declared(&#server)
                }
            }

            impl #krate::__private::Proxy<#ty> for #proxy {
                fn of(handle: #krate::__private::Handle<#ty>) -> Self {
                    Self { __remotex_handle: handle }
                }
                fn handle(&self) -> &#krate::__private::Handle<#ty> {
                    &self.__remotex_handle
                }
            }

            #keep

            impl #proxy {
                #(#methods)*
            }
        };
    }
}

fn expand_method(options: &Options, method: &Method, ty: &Type, home: &TokenStream) -> TokenStream {
    let krate = &options.krate;
    let Method {
        attrs,
        sig,
        function,
    } = method;
    let attrs = attrs.iter().filter(|attr| is_for_callers(attr));
    let Some(function) = function else {
        return refused(&types::elsewhere(sig, ty));
    };
    let mut sig = signature(&types::elsewhere(sig, ty), &function.arguments);
    for input in &mut sig.inputs {
        match input {
            FnArg::Receiver(_) => *input = FnArg::Receiver(parse_quote!(&self)),
            FnArg::Typed(typed) => {
                // Only the method itself changes it.
                if let Pat::Ident(pat) = &mut *typed.pat {
                    pat.mutability = None;
                }
            }
        }
    }
    let entry = entry::expand(options, function);
    let away = quote!(#krate::__private::Entry::away_to(&__REMOTEX_ENTRY, &self.__remotex_handle));
    let question = stub::question(
        options,
        &sig,
        function,
        &away,
        Some(quote!(&self.__remotex_handle)),
    );
    let [object, e] = ["object", "e"].map(local);
    let (lock, binding, lent) = match function.receiver {
        Some(Access::Write) => (quote!(write), quote!(mut #object), quote!(&mut *#object)),
        _ => (quote!(read), quote!(#object), quote!(&*#object)),
    };
    let who = &function.name;
    let (ident, output) = (&function.ident, &function.output);
    let arguments = function.arguments.iter().map(|argument| &argument.ident);
    quote! {
        #(#attrs)*
        #[track_caller]
        pub #sig {
            { #entry #question }
            match #krate::__private::Handle::#lock(&self.__remotex_handle, #who) {
                ::core::result::Result::Ok(#binding) => <#home>::#ident(#lent, #(#arguments),*),
                ::core::result::Result::Err(#e) => {
                    use #krate::__private::tiers::*;
                    (&&&&&&#krate::__private::Tag::<#output>::new()).__remotex_refuse(#e)
                }
            }
        }
    }
}

/// A method in the place of one that was refused, so that its calls have no mistakes of their own.
fn refused(sig: &Signature) -> TokenStream {
    let mut sig = sig.clone();
    sig.variadic = None;
    if let Some(receiver @ FnArg::Receiver(_)) = sig.inputs.first_mut() {
        *receiver = FnArg::Receiver(parse_quote!(&self));
    }
    let output = sig.output.to_token_stream().to_string();
    // Nothing but a value has such a type.
    if output
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| word == "impl")
    {
        return TokenStream::new();
    }
    quote!(pub #sig { ::core::unreachable!() })
}

/// Whether an attribute of a method says something to who calls it.
fn is_for_callers(attr: &Attribute) -> bool {
    let names = ["doc", "cfg", "cfg_attr", "must_use", "deprecated"];
    names.iter().any(|name| attr.path().is_ident(name))
}
