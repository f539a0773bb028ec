//! What the attribute stands on: a function, a block of them, or something that it does not fit.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, GenericParam, Generics, LitStr, Signature, Token, Visibility, braced, token};

use crate::Mistakes;
use crate::function::{Function, Origin};
use crate::options::Options;
use crate::{block, interface, statics, stub};

pub(crate) fn expand(options: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let options = mistakes.note(Options::parse(options));
    let expanded = match mistakes.note(kind.parse2(item.clone())) {
        Some(Kind::Function) => free_function(options.as_ref(), item, &mut mistakes),
        Some(Kind::Impl) => block::expand(options.as_ref(), item, &mut mistakes),
        Some(Kind::Trait) => interface::expand(options.as_ref(), item, &mut mistakes),
        Some(Kind::Static) => statics::expand(options.as_ref(), item, &mut mistakes),
        Some(Kind::Other(at)) => {
            mistakes.add(
                at,
                "`#[remote]` goes on a function, an `impl` block of a type of yours, a trait or a `static`",
            );
            None
        }
        None => None,
    };
    let expanded = expanded.as_ref().unwrap_or(item);
    let errors = mistakes.into_compile_errors();
    quote!(#expanded #errors)
}

enum Kind {
    Function,
    Impl,
    Trait,
    Static,
    Other(TokenTree),
}

fn kind(input: ParseStream<'_>) -> syn::Result<Kind> {
    input.call(Attribute::parse_outer)?;
    input.parse::<Visibility>()?;
    let ahead = input.fork();
    let found = if ahead.parse::<Signature>().is_ok() {
        Kind::Function
    } else if input.peek(Token![impl]) || (input.peek(Token![unsafe]) && input.peek2(Token![impl]))
    {
        Kind::Impl
    } else if input.peek(Token![trait])
        || (input.peek(Token![unsafe]) && input.peek2(Token![trait]))
    {
        Kind::Trait
    } else if input.peek(Token![static]) {
        Kind::Static
    } else if input.peek(Token![fn]) {
        // The parser says best what is wrong with it.
        input.parse::<Signature>().map(|_| Kind::Function)?
    } else {
        Kind::Other(input.fork().parse()?)
    };
    input.parse::<TokenStream>()?;
    Ok(found)
}

/// A function as it was written.
pub(crate) struct Written {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Body,
}

/// A body, not parsed: what is wrong in there the compiler knows best.
pub(crate) struct Body {
    /// `#![…]` at its beginning.
    attrs: Vec<Attribute>,
    rest: TokenStream,
    at: Span,
}

impl Parse for Written {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (attrs, vis, sig) = (
            input.call(Attribute::parse_outer)?,
            input.parse()?,
            input.parse()?,
        );
        Ok(Self {
            attrs,
            vis,
            sig,
            body: input.parse()?,
        })
    }
}

impl Parse for Body {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(token::Brace) {
            return Err(input.error("a remote function has a body, which runs in the server"));
        }
        let content;
        let at = braced!(content in input).span.join();
        Ok(Self {
            attrs: content.call(Attribute::parse_inner)?,
            rest: content.parse()?,
            at,
        })
    }
}

impl Written {
    /// The function without `...`, of which the compiler would say more than we have.
    fn without_variadic(self) -> TokenStream {
        let Self {
            attrs,
            vis,
            mut sig,
            body,
        } = self;
        sig.variadic = None;
        let block = body.after(&TokenStream::new());
        quote!(#(#attrs)* #vis #sig #block)
    }
}

impl Body {
    /// The body with `before` before it.
    pub(crate) fn after(&self, before: &TokenStream) -> Group {
        self.within(|body| quote!(#before #body))
    }

    /// What `around` makes of the body. What it was stands in a block of its own, whose braces are
    /// ours, and no concern of the lints.
    pub(crate) fn within(&self, around: impl FnOnce(Group) -> TokenStream) -> Group {
        let Self { attrs, rest, at } = self;
        let whole = around(Self::group(rest.clone(), Span::call_site().located_at(*at)));
        Self::group(quote!(#(#attrs)* #whole), *at)
    }

    fn group(content: TokenStream, span: Span) -> Group {
        let mut group = Group::new(Delimiter::Brace, content);
        group.set_span(span);
        group
    }
}

/// What a function becomes, or `None` if it has mistakes.
fn free_function(
    options: Option<&Options>,
    item: &TokenStream,
    mistakes: &mut Mistakes,
) -> Option<TokenStream> {
    let written = mistakes.note(syn::parse2::<Written>(item.clone()))?;
    let traits = options.map(|options| options.traits.clone());
    let function = Function::of(
        &written.attrs,
        &written.sig,
        &Origin::Free,
        traits.unwrap_or_default(),
        mistakes,
    );
    let (Some(options), Some(function)) = (options, function) else {
        return Some(written.without_variadic());
    };
    Some(stub::expand(options, &written, &function))
}

pub(crate) fn is_remote(attr: &Attribute) -> bool {
    attr.path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "remote")
}

pub(crate) fn is_cfg(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg")
}

pub(crate) fn refuse_generics(generics: &Generics, of: &str, mistakes: &mut Mistakes) {
    for param in &generics.params {
        match param {
            GenericParam::Lifetime(_) => {}
            GenericParam::Type(param) => mistakes.add(
                param,
                format_args!("a remote {of} has no type parameters, since its server must know every type; write the types that are meant"),
            ),
            GenericParam::Const(param) => mistakes.add(
                param,
                format_args!("a remote {of} has no const parameters, since its server must know every type; write the value that is meant"),
            ),
        }
    }
}

/// A name for the wire, at the place of what it was made of.
pub(crate) fn literal(text: &str, at: &impl Spanned) -> LitStr {
    LitStr::new(text, at.span())
}
