//! A remote function that is known to be one: what DESIGN calls a mistake is refused on the way here.

use std::time::Duration;

use proc_macro2::Span;
use quote::format_ident;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, Expr, FnArg, Ident, LitStr, Meta, Pat, PatIdent, PatType, Receiver, ReceiverKind,
    ReturnType, Safety, Signature, Type, parse_quote,
};

use crate::Mistakes;
use crate::item::{is_cfg, is_remote, literal, refuse_generics};
use crate::object;
use crate::options::Traits;
use crate::types;

/// Where a function stands.
pub(crate) enum Origin<'a> {
    Free,
    /// In a block of this type, or in the trait that is this `dyn Trait`.
    Of(&'a Type),
}

/// How a method takes its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// A remote function.
pub(crate) struct Function {
    pub(crate) ident: Ident,
    /// Its name on the wire.
    pub(crate) name: LitStr,
    /// How the server calls it.
    pub(crate) path: syn::ExprPath,
    /// How it takes its object, if it is a method.
    pub(crate) receiver: Option<Access>,
    /// The type of that object.
    pub(crate) object: Option<Type>,
    pub(crate) arguments: Vec<Argument>,
    /// Its return type, as it can be written outside of the function's signature.
    pub(crate) output: Type,
    /// Its documentation: what stands in its `doc` attributes.
    pub(crate) docs: Vec<Expr>,
    pub(crate) idempotent: bool,
    pub(crate) or_local: bool,
    /// The author's word for types that serde does not show wholly.
    pub(crate) types: Option<LitStr>,
    /// How long a call waits for its answer.
    pub(crate) timeout: Option<Duration>,
    /// Its values travel as CBOR, which describes itself.
    pub(crate) json: bool,
    /// A call of it starts no server.
    pub(crate) no_start: bool,
}

/// One argument.
pub(crate) struct Argument {
    /// Its name in errors.
    pub(crate) name: String,
    /// What the signature calls it, once a pattern that is no name was replaced.
    pub(crate) ident: Ident,
    /// The pattern that was replaced.
    pub(crate) pattern: Option<Pat>,
    /// The attributes of the replaced pattern, which say how the lints see it.
    pub(crate) attrs: Vec<Attribute>,
    /// Its type, as it was written.
    pub(crate) written: Type,
    /// Its type, as it can be written outside of the function's signature.
    pub(crate) ty: Type,
}

impl Function {
    /// The function, or all that is wrong with it.
    pub(crate) fn of(
        attrs: &[Attribute],
        sig: &Signature,
        origin: &Origin<'_>,
        traits: Traits,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let mut own = Mistakes::default();
        if let Some(attr) = attrs.iter().find(|attr| is_remote(attr)) {
            own.add(
                attr,
                "a function has one server; remove one of the two `#[remote]`",
            );
        }
        traits.refuse_read_only(&mut own);
        refuse_qualifiers(sig, &mut own);
        refuse_generics(&sig.generics, "function", &mut own);
        let receiver = receiver(sig, origin, &traits, &mut own);
        let arguments = sig
            .inputs
            .iter()
            .enumerate()
            .filter_map(|(at, arg)| argument(at, attrs, sig, arg, origin, &mut own))
            .collect();
        let output = output(sig, origin, &mut own);
        if let Some(e) = own.0 {
            mistakes.push(e);
            return None;
        }
        let ident = sig.ident.clone();
        let (default_name, path) = match origin {
            Origin::Free => (bare(&ident), parse_quote!(#ident)),
            Origin::Of(ty) => {
                let outside = types::outside(ty, None);
                let path = match receiver {
                    Some(_) => {
                        let proxy = object::proxy();
                        parse_quote!(#proxy::#ident)
                    }
                    None => parse_quote!(<#outside>::#ident),
                };
                (format!("{}::{}", types::last_ident(ty), bare(&ident)), path)
            }
        };
        Some(Self {
            name: traits
                .name
                .unwrap_or_else(|| literal(&default_name, &ident)),
            ident,
            path,
            receiver,
            object: receiver.and(origin.self_type().cloned()),
            arguments,
            output: output?,
            docs: attrs.iter().filter_map(doc).collect(),
            idempotent: traits.idempotent.is_some(),
            or_local: traits.or_local.is_some(),
            types: traits.types,
            timeout: traits.timeout.map(|(_, timeout)| timeout),
            json: traits.json.is_some(),
            no_start: traits.no_start.is_some(),
        })
    }
}

/// What a line of documentation says.
fn doc(attr: &Attribute) -> Option<Expr> {
    match &attr.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => Some(meta.value.clone()),
        _ => None,
    }
}

/// An identifier without `r#`.
pub(crate) fn bare(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map(str::to_owned).unwrap_or(text)
}

fn refuse_qualifiers(sig: &Signature, mistakes: &mut Mistakes) {
    if let Some(token) = sig.constness {
        mistakes.add(
            token,
            "a remote function is not `const`, since a call takes a server; write `fn`",
        );
    }
    if let Some(token) = sig.asyncness {
        mistakes.add(
            token,
            "a remote function is not `async`; write `fn`, and wait inside it for what is",
        );
    }
    match &sig.safety {
        Safety::Unsafe(token) => {
            mistakes.add(token, "a remote function is not `unsafe`, since nobody can promise anything for another process; write `fn`");
        }
        Safety::Safe(token) => mistakes.add(token, "a remote function is always safe; write `fn`"),
        _ => {}
    }
    if let Some(abi) = &sig.abi {
        mistakes.add(
            abi,
            "a remote function is not `extern`; write `fn`, and call that one",
        );
    }
    if let Some(variadic) = &sig.variadic {
        mistakes.add(variadic, "a remote function takes a fixed number of arguments; write a slice, as in `items: &[u32]`");
    }
}

fn argument(
    at: usize,
    others: &[Attribute],
    sig: &Signature,
    arg: &FnArg,
    origin: &Origin<'_>,
    mistakes: &mut Mistakes,
) -> Option<Argument> {
    let PatType { attrs, pat, ty, .. } = match arg {
        FnArg::Typed(typed) => typed,
        FnArg::Receiver(_) => return None,
    };
    if let Some(attr) = attrs.iter().find(|attr| is_cfg(attr)) {
        mistakes.add(attr, "an argument of a remote function is always there; put `#[cfg]` on two functions instead");
    }
    types::refuse_in_argument(ty, mistakes);
    let at = at - usize::from(sig.receiver().is_some());
    let (ident, name, pattern) = match &**pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => named(pat, others, sig),
        pat => {
            let ident = format_ident!("argument_{at}", span = Span::mixed_site());
            (ident, format!("number {}", at + 1), Some(pat.clone()))
        }
    };
    Some(Argument {
        name,
        ident,
        attrs: pattern.as_ref().map_or_else(Vec::new, |_| attrs.clone()),
        pattern,
        written: (**ty).clone(),
        ty: types::outside(ty, origin.self_type()),
    })
}

/// How a method takes its object.
fn receiver(
    sig: &Signature,
    origin: &Origin<'_>,
    traits: &Traits,
    mistakes: &mut Mistakes,
) -> Option<Access> {
    let Some(FnArg::Receiver(receiver)) = sig.inputs.first() else {
        return None;
    };
    if let Some(at) = traits.or_local {
        mistakes.push(syn::Error::new(
            at,
            "a method runs where its object is, so that it cannot be `or_local`",
        ));
    }
    // Method lookup finds these on a reference before it comes to the object's own.
    const TAKEN: [&str; 9] = [
        "clone",
        "clone_from",
        "clone_into",
        "serialize",
        "eq",
        "ne",
        "into",
        "try_into",
        "to_owned",
    ];
    if TAKEN.iter().any(|name| sig.ident == name) {
        mistakes.add(
            &sig.ident,
            format_args!("a `Remote` has a `{}` of its own, which would be called instead; give the method another name", sig.ident),
        );
    }
    access(receiver, origin)
        .map_err(|words| mistakes.add(receiver, words))
        .ok()
}

fn access(receiver: &Receiver, origin: &Origin<'_>) -> Result<Access, &'static str> {
    match (origin, &receiver.kind) {
        (Origin::Free, _) => Err(
            "a method is remote with its block; write `#[remote(SERVER)]` on the `impl` or the trait",
        ),
        (_, ReceiverKind::Reference(_, _, None)) => Ok(Access::Read),
        (_, ReceiverKind::Reference(_, _, Some(_))) => Ok(Access::Write),
        (_, ReceiverKind::Typed(_, ty)) if types::text(ty) == "&Self" => Ok(Access::Read),
        (_, ReceiverKind::Typed(_, ty)) if types::text(ty) == "&mut Self" => Ok(Access::Write),
        _ => Err("an object of the server stays there; take `&self` or `&mut self`"),
    }
}

fn named(pat: &PatIdent, others: &[Attribute], sig: &Signature) -> (Ident, String, Option<Pat>) {
    let name = bare(&pat.ident);
    if let Some(ours) = name.strip_prefix("__remotex_") {
        // Of a variable's functions: their own names might meet a static's.
        return (pat.ident.clone(), ours.to_owned(), None);
    }
    // One that is called as the function is would hide that from what calls it.
    if pat.ident != sig.ident && !others.iter().all(is_inert) {
        return (pat.ident.clone(), name, None);
    }
    // The stub has a name of its own for the argument, so that the lints judge the use in the body alone.
    let mut ours = pat.ident.clone();
    ours.set_span(Span::mixed_site());
    (ours, name, Some(Pat::Ident(pat.clone())))
}

/// Returns `true` for an attribute of the compiler or its tools. Any other may be a macro, which may name
/// the arguments.
fn is_inert(attr: &Attribute) -> bool {
    const INERT: [&str; 15] = [
        "allow",
        "cfg",
        "clippy",
        "cold",
        "deny",
        "deprecated",
        "diagnostic",
        "doc",
        "expect",
        "forbid",
        "inline",
        "must_use",
        "rustfmt",
        "track_caller",
        "warn",
    ];
    let first = attr.path().segments.first();
    first.is_some_and(|first| INERT.iter().any(|name| first.ident == name))
}

fn output(sig: &Signature, origin: &Origin<'_>, mistakes: &mut Mistakes) -> Option<Type> {
    const WORDS: &str = "a remote function must return a `Result`, because a call can fail on its way; write `-> remotex::Result<()>`";
    match &sig.output {
        ReturnType::Default => {
            mistakes.add(&sig.ident, WORDS);
            None
        }
        ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)) => {
            mistakes.add(ty, WORDS);
            None
        }
        ReturnType::Type(_, ty) => {
            types::refuse_in_answer(ty, mistakes);
            Some(types::outside(ty, origin.self_type()))
        }
    }
}

impl<'a> Origin<'a> {
    fn self_type(&self) -> Option<&'a Type> {
        match self {
            Self::Free => None,
            Self::Of(ty) => Some(ty),
        }
    }
}

/// The signature, with the patterns replaced that are no names.
pub(crate) fn signature(written: &Signature, arguments: &[Argument]) -> Signature {
    let mut sig = written.clone();
    let mut replaced = Punctuated::new();
    let (receivers, inputs): (Vec<_>, Vec<_>) = sig
        .inputs
        .into_iter()
        .partition(|input| matches!(input, FnArg::Receiver(_)));
    replaced.extend(receivers);
    for (mut input, argument) in inputs.into_iter().zip(arguments) {
        if let (FnArg::Typed(typed), Some(pattern)) = (&mut input, &argument.pattern) {
            let mut ident = argument.ident.clone();
            ident.set_span(ident.span().located_at(pattern.span()));
            *typed.pat = parse_quote!(#ident);
            typed.attrs.clear();
        }
        replaced.push(input);
    }
    sig.inputs = replaced;
    sig
}
