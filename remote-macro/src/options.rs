//! What stands in the attribute's parentheses.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Ident, LitStr, Path, Token, parse_quote};

/// `SERVER, name = "…", idempotent, or_local, crate = path` of a function or a block.
pub(crate) struct Options {
    pub(crate) server: Path,
    pub(crate) traits: Traits,
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
            let mut options = Self { server, traits: Traits::default(), krate: parse_quote!(::remotex) };
            while !input.is_empty() {
                input.parse::<Token![,]>()?;
                if input.is_empty() {
                    break;
                }
                let option = input.call(Ident::parse_any)?;
                if option == "crate" {
                    options.krate = input.parse::<Token![=]>().and_then(|_| input.call(Path::parse_mod_style))?;
                } else if !options.traits.take(&option, input)? {
                    let words = format!("`{option}` is no option of `#[remote]`; there are `name = \"…\"`, `idempotent` and `or_local`");
                    return Err(syn::Error::new(option.span(), words));
                }
            }
            Ok(options)
        })
        .parse2(options)
    }
}

fn is_skip(input: ParseStream<'_>) -> syn::Result<bool> {
    Ok(input.parse::<Path>()?.is_ident("skip") && input.is_empty())
}

/// What a remote function may be besides remote.
#[derive(Default, Clone)]
pub(crate) struct Traits {
    /// Its name on the wire.
    pub(crate) name: Option<LitStr>,
    /// It may be run again after a call of which nobody knows how it ended.
    pub(crate) idempotent: bool,
    /// It is right without the server's state.
    pub(crate) or_local: bool,
}

impl Traits {
    /// Reads the option of that name; `false` if it is none of these.
    fn take(&mut self, option: &Ident, input: ParseStream<'_>) -> syn::Result<bool> {
        let twice = || {
            Err(syn::Error::new(
                option.span(),
                format!("`{option}` is given twice"),
            ))
        };
        match option.to_string().as_str() {
            "name" if self.name.is_some() => twice(),
            "idempotent" if self.idempotent => twice(),
            "or_local" if self.or_local => twice(),
            "name" => {
                self.name = Some(name(input)?);
                Ok(true)
            }
            "idempotent" => {
                self.idempotent = true;
                Ok(true)
            }
            "or_local" => {
                self.or_local = true;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Those of a block, with those of one of its functions.
    pub(crate) fn of_block(block: &Self, own: Self) -> Self {
        Self {
            name: own.name,
            idempotent: own.idempotent || block.idempotent,
            or_local: own.or_local || block.or_local,
        }
    }
}

/// What stands in the parentheses of a function inside a remote block.
pub(crate) enum Inner {
    Skip,
    Traits(Traits),
}

impl Parse for Inner {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut traits = Traits::default();
        loop {
            let option: Ident = input.call(Ident::parse_any)?;
            if option == "skip" {
                return if input.is_empty() {
                    Ok(Self::Skip)
                } else {
                    Err(input.error("`skip` is all there is to say of a function that is left out"))
                };
            }
            if !traits.take(&option, input)? {
                return Err(syn::Error::new(
                    option.span(),
                    "inside a remote block, write `#[remote(skip)]`, or `name = \"…\"`, `idempotent` and `or_local`; the server is the block's",
                ));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
            if input.is_empty() {
                return Ok(Self::Traits(traits));
            }
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
