//! What the server registers: the function's name, and how to run it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::function::{Access, Argument, Function};
use crate::options::Options;
use crate::stub::local;
use crate::types;

pub(crate) fn expand(options: &Options, function: &Function) -> TokenStream {
    let krate = &options.krate;
    let server = &options.server;
    let Function {
        name,
        ident,
        idempotent,
        or_local,
        types: vouched,
        timeout,
        json,
        no_start,
        ..
    } = function;
    let vouched = match vouched {
        Some(word) => quote!(::core::option::Option::Some(#word)),
        None => quote!(::core::option::Option::None),
    };
    let timeout = match timeout {
        Some(timeout) => {
            let millis = timeout.as_millis() as u64;
            quote!(::core::option::Option::Some(::core::time::Duration::from_millis(#millis)))
        }
        None => quote!(::core::option::Option::None),
    };
    let (handler, visit) = (handler(options, function), visit(options, function));
    let object = function.receiver.map(|access| match access {
        Access::Read => quote!(("self", "&Self"),),
        Access::Write => quote!(("self", "&mut Self"),),
    });
    let arguments = function.arguments.iter().map(|argument| {
        let (name, ty) = (&argument.name, types::text(&argument.written));
        quote!((#name, #ty))
    });
    let docs = match &function.docs[..] {
        [] => quote!(""),
        docs => quote!(::core::concat!(#(#docs, "\n"),*)),
    };
    let output = types::text(&function.output);
    let place = quote_spanned!(ident.span()=> (::core::file!(), ::core::line!()));
    let server = quote_spanned!(server.span()=> #krate::__private::declared(&#server));
    quote! {
        #handler
        #visit

        #[#krate::__private::linkme::distributed_slice(#krate::__private::ENTRIES)]
        #[linkme(crate = #krate::__private::linkme)]
        static __REMOTEX_ENTRY: #krate::__private::Entry = #krate::__private::Entry {
            server: #server,
            function: #krate::__private::Function {
                name: #name,
                docs: #docs,
                place: #place,
                program: #krate::__private::program(::core::option_env!("CARGO_PKG_NAME"), ::core::module_path!(), #name),
                version: #krate::__private::version(::core::option_env!("CARGO_PKG_VERSION")),
                arguments: &[#object #(#arguments),*],
                output: #output,
                idempotent: #idempotent,
                or_local: #or_local,
                types: #vouched,
                timeout: #timeout,
                json: #json,
                no_start: #no_start,
                visit: __remotex_visit,
                known: #krate::__private::Known::new(),
                handler: __remotex_handler,
            },
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
    let [from, reply, object, ended] = ["from", "reply", "object", "ended"].map(local);
    let names: Vec<_> = (0..arguments.len())
        .map(|at| local(&format!("argument_{at}")))
        .collect();
    let remote = function
        .object
        .as_ref()
        .map(|ty| quote!(#krate::Remote<#ty>));
    let hold_object = remote.as_ref().map(
        |remote| quote!(let #object = (&&&&#krate::__private::Tag::<#remote>::new()).__remotex_hold("self", #from)?;),
    );
    let lend_object = remote.map(|_| quote!(&*#object.__remotex_lend(),));
    let holds = arguments.iter().zip(&names).map(|(Argument { name, ty, .. }, ident)| {
        quote!(let #ident = (&&&&#krate::__private::Tag::<#ty>::new()).__remotex_hold(#name, #from)?;)
    });
    let checks = arguments.iter().map(|argument| {
        let ty = &argument.ty;
        // At the type, so that what is wrong with it is shown there.
        let at = Span::mixed_site().located_at(ty.span());
        quote_spanned!(at=> (&&&&#krate::__private::Tag::<#ty>::new()).__remotex_check();)
    });
    let at = Span::mixed_site().located_at(output.span());
    let way = way(options, function.json, output);
    let check_output = quote_spanned!(at=> (&&&&&&#krate::__private::Tag::<#output>::new()).__remotex_check_answer(););
    quote! {
        fn __remotex_handler(
            #from: &mut #krate::__private::Decoder<'_>,
            #reply: &mut #krate::__private::Reply<'_>,
        ) -> ::core::result::Result<(), #krate::__private::Fault> {
            use #krate::__private::tiers::*;
            #(#checks)*
            #check_output
            #hold_object
            #(#holds)*
            #krate::__private::finish(#from)?;
            let #ended = #path(#lend_object #(#names.__remotex_lend()),*);
            (&&#krate::__private::Tag::<#output>::new()).__remotex_tell(&#ended, #reply);
            (&&&&&&#krate::__private::Tag::<#output>::new()).__remotex_answer(#ended, #reply, #way)
        }
    }
}

/// Has its types visited, which tells one build's function from another's.
fn visit(options: &Options, function: &Function) -> TokenStream {
    let krate = &options.krate;
    let visitor = local("visitor");
    let object = function.object.iter().map(|ty| quote!(#krate::Remote<#ty>));
    let types = function
        .arguments
        .iter()
        .map(|argument| argument.ty.to_token_stream());
    let types = object.chain(types);
    let output = &function.output;
    let way = way(options, function.json, output);
    quote! {
        fn __remotex_visit(#visitor: &mut #krate::__private::TypeVisitor<'_>) {
            use #krate::__private::tiers::*;
            #((&&&&#krate::__private::Tag::<#types>::new()).__remotex_visit(#visitor);)*
            (&&&&&&#krate::__private::Tag::<#output>::new()).__remotex_visit_answer(#visitor, #way);
        }
    }
}

/// How the `Ok` value of that return type travels: as a whole, if it can, but not where values say
/// themselves what they are.
pub(crate) fn way(options: &Options, json: bool, output: &impl ToTokens) -> TokenStream {
    let krate = &options.krate;
    match json {
        false => {
            quote!((&&(&&#krate::__private::Tag::<#output>::new()).__remotex_ok()).__remotex_way())
        }
        true => quote!(#krate::__private::AsValue),
    }
}
