//! A trait: whatever implements it can stay in the server as a `Remote<dyn Trait>`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{ItemTrait, Signature, TraitItem, Type, TypeParamBound, WherePredicate, parse_quote};

use crate::Mistakes;
use crate::block::take_inner;
use crate::function::{Function, Origin};
use crate::item::refuse_generics;
use crate::object::{self, Method};
use crate::options::{Inner, Options, Traits};
use crate::types;

/// What a trait becomes, or `None` if it is none.
pub(crate) fn expand(
    options: Option<&Options>,
    item: &TokenStream,
    mistakes: &mut Mistakes,
) -> Option<TokenStream> {
    let mut item = mistakes.note(syn::parse2::<ItemTrait>(item.clone()))?;
    let shared = options
        .map(|options| options.traits.clone())
        .unwrap_or_default();
    shared.refuse_name("trait", mistakes);
    if let Some(token) = item.unsafety {
        mistakes.add(token, "a remote trait is not `unsafe`, since nobody can promise anything for another process; write `trait`");
    }
    refuse_generics(&item.generics, "trait", mistakes);
    if let Some(lifetime) = item.generics.lifetimes().next() {
        mistakes.add(
            lifetime,
            "an object that stays in the server borrows nothing from others; leave the lifetime out",
        );
    }
    let name = &item.ident;
    let ty: Type = parse_quote!(dyn #name);
    let mut methods = Vec::new();
    let mut found = 0;
    for member in &mut item.items {
        let function = match member {
            TraitItem::Fn(function) => function,
            TraitItem::Macro(_) | TraitItem::Verbatim(_) => continue,
            other => {
                mistakes.add(
                    other,
                    "a remote trait has methods, and nothing else, so that `dyn` of it is a type",
                );
                continue;
            }
        };
        found += 1;
        let own = match take_inner(&mut function.attrs, mistakes) {
            Some(Inner::Skip) => continue,
            Some(Inner::Traits(own)) => own,
            None => Traits::default(),
        };
        if function.sig.receiver().is_none() {
            mistakes.add(
                &function.sig.ident,
                "a function of a remote trait takes `&self` or `&mut self`; write `#[remote(skip)]` on one that does not",
            );
            continue;
        }
        let traits = Traits::of_block(&shared, own);
        let (attrs, sig) = (&function.attrs, &function.sig);
        if let Some(bound) = sized_bound(sig) {
            mistakes.add(
                bound,
                format_args!("a method of a remote trait is called on a `dyn {name}`, which is not `Sized`; write `#[remote(skip)]` on this one"),
            );
            continue;
        }
        let model = Function::of(attrs, sig, &Origin::Of(&ty), traits, mistakes);
        methods.push(Method::of(attrs.clone(), sig.clone(), model));
    }
    if found == 0 {
        mistakes.add(
            &item.ident,
            "nothing in this trait is remote; give it a method that takes `&self` or `&mut self`",
        );
    }
    // A trait of which there is no `dyn` is refused by the compiler, too.
    let is_dyn = item.generics.params.is_empty() && methods.iter().all(Method::is_dyn);
    let object = options
        .filter(|_| is_dyn && found > 0)
        .map(|options| object::of_trait(options, &item, &methods));
    let item = item.into_token_stream();
    Some(quote!(#item #object))
}

/// The bound by which a method is none of a `dyn Trait`.
fn sized_bound(sig: &Signature) -> Option<&WherePredicate> {
    let mut predicates = sig
        .generics
        .where_clause
        .iter()
        .flat_map(|it| &it.predicates);
    predicates.find(|predicate| {
        let WherePredicate::Type(predicate) = predicate else {
            return false;
        };
        let is_sized = |bound: &TypeParamBound| match bound {
            TypeParamBound::Trait(bound) => bound
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == "Sized"),
            _ => false,
        };
        types::text(&predicate.bounded_ty) == "Self" && predicate.bounds.iter().any(is_sized)
    })
}
