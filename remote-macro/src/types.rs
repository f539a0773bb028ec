//! Types as they are written: what they may not be, and how they are written elsewhere.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    ExprPath, GenericArgument, Lifetime, Path, PathArguments, PathSegment, Signature, Type,
    TypeFnPtr, TypeGroup, TypeImplTrait, TypeParamBound, TypeParen, TypePath, TypeReference,
    TypeTraitObject, parse_quote,
};

use crate::Mistakes;

/// The type as it can be written outside of its function and its block: named lifetimes are
/// inferred there, and `Self` is `self_type`.
pub(crate) fn outside(ty: &Type, self_type: Option<&Type>) -> Type {
    let mut ty = ty.clone();
    Outside {
        self_type: self_type.map(|ty| outside(ty, None)),
        has_lifetimes: false,
    }
    .visit_type_mut(&mut ty);
    ty
}

/// The signature as it can be written in a block of another type, where `Self` is that one.
pub(crate) fn elsewhere(sig: &Signature, self_type: &Type) -> Signature {
    let mut sig = sig.clone();
    Outside {
        self_type: Some(self_type.clone()),
        has_lifetimes: true,
    }
    .visit_signature_mut(&mut sig);
    sig
}

struct Outside {
    self_type: Option<Type>,
    /// Whether the lifetimes are known there too.
    has_lifetimes: bool,
}

impl VisitMut for Outside {
    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident != "static" && !self.has_lifetimes {
            *lifetime = Lifetime::new("'_", lifetime.span());
        }
    }

    // Its lifetimes are its own.
    fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}

    // The length of an array is an expression.
    fn visit_expr_path_mut(&mut self, path: &mut ExprPath) {
        if let (None, Some(self_type), Some(rest)) =
            (&path.qself, &self.self_type, after_self(&path.path))
        {
            *path = parse_quote!(<#self_type>::#rest);
        }
    }

    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let (Type::Path(TypePath { qself, path, .. }), Some(self_type)) =
            (&mut *ty, &self.self_type)
        {
            if qself.is_none() && path.is_ident("Self") {
                *ty = self_type.clone();
                return;
            }
            if let (None, Some(rest)) = (qself, after_self(path)) {
                *ty = parse_quote!(<#self_type>::#rest);
            }
        }
        visit_mut::visit_type_mut(self, ty);
    }
}

/// `a::b` of `Self::a::b`.
fn after_self(path: &Path) -> Option<TokenStream> {
    let mut segments = path.segments.iter();
    let is_self = segments.next()?.ident == "Self";
    (is_self && path.segments.len() > 1).then(|| quote!(#(#segments)::*))
}

/// The type as text, in the usual spacing.
pub(crate) fn text(ty: &Type) -> String {
    let tokens = quote!(#ty).to_string();
    let mut text = String::new();
    for word in tokens.split_whitespace() {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let (before, after) = (text.chars().next_back(), word.chars().next());
        let apart = match (before, after) {
            (Some(',' | ';'), _) => true,
            (Some(before), Some(after)) => is_name(before) && (is_name(after) || after == '\''),
            _ => false,
        };
        if apart {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// The type inside the groups that a macro by example puts around what it was given, and inside
/// parentheses.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(TypeGroup { elem, .. }) | Type::Paren(TypeParen { elem, .. }) => bare(elem),
        ty => ty,
    }
}

/// The name of a type without its path: `BBoard` of `news::BBoard<'_>`.
pub(crate) fn last_ident(ty: &Type) -> String {
    match bare(ty) {
        Type::Path(TypePath { path, .. }) => last_of(path),
        Type::TraitObject(TypeTraitObject { bounds, .. }) => match bounds.first() {
            Some(TypeParamBound::Trait(bound)) => last_of(&bound.path),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn last_of(path: &Path) -> String {
    let last = path.segments.last();
    last.map(|segment| segment.ident.unraw().to_string())
        .unwrap_or_default()
}

/// The one parameter of a type: `T` of `Variable<T>`.
pub(crate) fn parameter(ty: &Type) -> Option<&Type> {
    value_of(bare(ty))
}

/// Refuses what cannot be an argument, as far as that is written.
pub(crate) fn refuse_in_argument(ty: &Type, mistakes: &mut Mistakes) {
    struct Refuse<'m>(&'m mut Mistakes);
    impl<'ast> Visit<'ast> for Refuse<'_> {
        fn visit_type_reference(&mut self, ty: &'ast TypeReference) {
            if let Some(lifetime) = ty
                .lifetime
                .as_ref()
                .filter(|lifetime| lifetime.ident == "static")
            {
                self.0.add(
                    lifetime,
                    "what is sent lives only as long as the call; write `&T`, without `'static`",
                );
            }
            if let Some(token) = ty.mutability {
                self.0.add(token, "a remote function cannot change what its caller has; take it by value, and return what became of it");
            }
            visit::visit_type_reference(self, ty);
        }
        fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
            self.0.add(ty, "an argument of a remote function has one type that both sides know; write it instead of `impl Trait`");
        }
        fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
            visit_unless_remote(self, segment);
        }
        fn visit_type_trait_object(&mut self, ty: &'ast TypeTraitObject) {
            self.0.add(ty, "a trait object cannot be sent; write an enum of what it may be, or, if it is to stay in the server, `Remote<dyn Trait>` of a `#[remote(SERVER)] trait`");
        }
        fn visit_type_fn_ptr(&mut self, ty: &'ast TypeFnPtr) {
            self.0.add(
                ty,
                "a function cannot be sent to another process; send what it would be called with",
            );
        }
    }
    Refuse(mistakes).visit_type(ty);
}

/// Refuses what cannot be an answer, as far as that is written.
pub(crate) fn refuse_in_answer(ty: &Type, mistakes: &mut Mistakes) {
    struct Refuse<'m>(&'m mut Mistakes);
    impl<'ast> Visit<'ast> for Refuse<'_> {
        fn visit_type_reference(&mut self, ty: &'ast TypeReference) {
            self.0.add(ty.and_token, "an answer cannot borrow from its server; return what is owned, as in `String` for `&str`");
        }
        fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
            if lifetime.ident != "static" {
                self.0.add(lifetime, "an answer cannot borrow from its server; return what is owned, as in `String` for `Cow<'_, str>`");
            }
        }
        fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
            self.0.add(ty, "the answer of a remote function has one type that both sides know; write it instead of `impl Trait`, such as a `Vec`, or a `Remote<T>` of what is to stay in the server");
        }
        fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
            visit_unless_remote(self, segment);
        }
        fn visit_type_trait_object(&mut self, ty: &'ast TypeTraitObject) {
            self.0.add(ty, "a trait object cannot be sent; write an enum of what it may be, or, if it is to stay in the server, `Remote<dyn Trait>` of a `#[remote(SERVER)] trait`");
        }
    }
    let mut refuse = Refuse(mistakes);
    // Only the first parameter is the value; an error may well be a `Box<dyn Error>`.
    let ty = bare(ty);
    match value_of(ty) {
        Some(value) => refuse.visit_type(value),
        None if matches!(ty, Type::Path(_)) => {}
        None => refuse.visit_type(ty),
    }
}

/// What a reference is to does not travel, and may be a trait object.
fn visit_unless_remote<'ast>(visitor: &mut impl Visit<'ast>, segment: &'ast PathSegment) {
    if segment.ident != "Remote" {
        visit::visit_path_segment(visitor, segment);
    }
}

/// `T` of `Result<T, …>`, by whatever name it goes.
fn value_of(ty: &Type) -> Option<&Type> {
    let Type::Path(TypePath { path, .. }) = ty else {
        return None;
    };
    let PathArguments::AngleBracketed(arguments) = &path.segments.last()?.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}
