//! What the server registers: the function's name, and how to run it.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;
use syn::spanned::Spanned;

use crate::function::{Argument, Function};
use crate::options::Options;

pub(crate) fn expand(options: &Options, function: &Function) -> TokenStream {
    let krate = &options.krate;
    let server = options.declared_server();
    let Function {
        name, cfgs, ident, ..
    } = function;
    let handler = handler(options, function);
    let place = quote_spanned!(ident.span()=> (::core::file!(), ::core::line!()));
    quote! {
        #(#cfgs)*
        const _: () = {
            #handler

            #[#krate::__private::linkme::distributed_slice(#krate::__private::ENTRIES)]
            #[linkme(crate = #krate::__private::linkme)]
            static __REMOTEX_ENTRY: #krate::__private::Entry = #krate::__private::Entry {
                server: #server,
                function: #krate::__private::Function { name: #name, place: #place, handler: __remotex_handler },
            };
        };
    }
}

fn handler(options: &Options, function: &Function) -> TokenStream {
    let krate = &options.krate;
    let Function {
        path,
        arguments,
        output,
        ..
    } = function;
    let [from, reply] = ["from", "reply"].map(|name| Ident::new(name, Span::mixed_site()));
    let names: Vec<_> = (0..arguments.len())
        .map(|at| Ident::new(&format!("argument_{at}"), Span::mixed_site()))
        .collect();
    let holds = arguments.iter().zip(&names).map(|(Argument { name, ty, .. }, ident)| {
        quote!(let #ident = (&&&&#krate::__private::Tag::<#ty>::new()).hold(#name, #from)?;)
    });
    let checks = arguments.iter().map(|argument| {
        let ty = &argument.ty;
        // At the type, so that what is wrong with it is shown there.
        let at = Span::mixed_site().located_at(ty.span());
        quote_spanned!(at=> (&&&&#krate::__private::Tag::<#ty>::new()).check();)
    });
    let at = Span::mixed_site().located_at(output.span());
    let check_output =
        quote_spanned!(at=> (&&&&&#krate::__private::Tag::<#output>::new()).check_answer(););
    let allows = &function.allows;
    quote! {
        #(#allows)*
        fn __remotex_handler(
            #from: &mut #krate::__private::Decoder<'_>,
            #reply: &mut #krate::__private::Reply<'_>,
        ) -> ::core::result::Result<(), #krate::__private::Fault> {
            use #krate::__private::tiers::*;
            #(#checks)*
            #check_output
            #(#holds)*
            #krate::__private::finish(#from)?;
            (&&&&&#krate::__private::Tag::<#output>::new()).answer(#path(#(#names.lend()),*), #reply)
        }
    }
}
