//! What stands in the attribute's parentheses.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Ident, LitStr, Path, Token, parse_quote};

/// `SERVER, name = "…", crate = path` of a function or a block.
pub(crate) struct Options {
    pub(crate) server: Path,
    pub(crate) name: Option<LitStr>,
    /// Where remotex is, for whoever has it under another name.
    pub(crate) krate: Path,
}

impl Options {
    pub(crate) fn parse(options: TokenStream) -> syn::Result<Self> {
        if options.is_empty() {
            return Err(syn::Error::new(
                Span::call_site(),
                "name the server: write `#[remote(SERVER)]`",
            ));
        }
        (|input: ParseStream<'_>| {
            if input.peek(Ident::peek_any) && (input.peek2(Token![=]) || input.fork().call(is_skip)?) {
                return Err(input.error("the server comes first: write `#[remote(SERVER)]`, where SERVER is a `static` of type `remotex::Server`"));
            }
            let server = input.parse()?;
            let mut options = Self { server, name: None, krate: parse_quote!(::remotex) };
            while !input.is_empty() {
                input.parse::<Token![,]>()?;
                if input.is_empty() {
                    break;
                }
                let option = input.call(Ident::parse_any)?;
                match option.to_string().as_str() {
                    "name" if options.name.is_none() => options.name = Some(name(input)?),
                    "crate" => options.krate = input.parse::<Token![=]>().and_then(|_| input.call(Path::parse_mod_style))?,
                    "name" => return Err(syn::Error::new(option.span(), "the name is given twice")),
                    other => {
                        let words = format!("`{other}` is no option of `#[remote]`; there is `name = \"…\"`");
                        return Err(syn::Error::new(option.span(), words));
                    }
                }
            }
            Ok(options)
        })
        .parse2(options)
    }
}

impl Options {
    /// The server as an expression. Both halves of a function have the same one at the same place,
    /// so that of a path that leads to no server the compiler speaks once.
    pub(crate) fn declared_server(&self) -> TokenStream {
        let Self { server, krate, .. } = self;
        quote_spanned!(server.span()=> #krate::__private::declared(&#server))
    }
}

fn is_skip(input: ParseStream<'_>) -> syn::Result<bool> {
    Ok(input.parse::<Path>()?.is_ident("skip") && input.is_empty())
}

/// What stands in the parentheses of a function inside a remote block.
pub(crate) enum Inner {
    Skip,
    Name(LitStr),
}

impl Parse for Inner {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let option: Ident = input.call(Ident::parse_any)?;
        let inner = match option.to_string().as_str() {
            "skip" => Self::Skip,
            "name" => Self::Name(name(input)?),
            _ => {
                return Err(syn::Error::new(
                    option.span(),
                    "inside a remote block, write `#[remote(skip)]` or `#[remote(name = \"…\")]`; the server is the block's",
                ));
            }
        };
        if input.is_empty() {
            Ok(inner)
        } else {
            Err(input.error("one option is all there is"))
        }
    }
}

fn name(input: ParseStream<'_>) -> syn::Result<LitStr> {
    input.parse::<Token![=]>()?;
    let name: LitStr = input.parse()?;
    let is_good = |c: char| c.is_alphanumeric() || "_-.:".contains(c);
    if (1..=128).contains(&name.value().len()) && name.value().chars().all(is_good) {
        Ok(name)
    } else {
        Err(syn::Error::new(
            name.span(),
            "a function's name is 1 to 128 letters, digits, `_`, `-`, `.` or `:`",
        ))
    }
}
