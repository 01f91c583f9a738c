//! What a dependency gets that calls an interface it did not inherit: the refusal the interface
//! itself has for such a call, the one Spin gives.
//!
//! Works from the types of the composed component alone. Each function of a denied interface is
//! answered with the error variant below; resources exist as types but never as values.

use anyhow::{Result, bail};
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType, Type, Val};
use wasmtime::{Engine, format_err};

use super::compose::DENIED;

/// Stands for the resources of denied interfaces, of which there is never a value.
enum Never {}

/// Defines all denied imports of `component` in `linker`.
///
/// # Errors
/// When a denied interface holds something other than functions, types and resources.
pub fn link_denied<T: Send + 'static>(
    linker: &mut Linker<T>,
    engine: &Engine,
    component: &Component,
) -> Result<()> {
    let ty = component.component_type();
    let (denied, offered): (Vec<_>, Vec<_>) =
        ty.imports(engine).partition(|(name, _)| name.starts_with(DENIED));
    // Resources a denied interface only uses are those of the interface that defines them.
    let used: Vec<ResourceType> = offered
        .into_iter()
        .filter_map(|(_, import)| match import.ty {
            ComponentItem::ComponentInstance(interface) => Some(interface),
            _ => None,
        })
        .flat_map(|interface| resources_of(&interface, engine))
        .collect();
    for (name, import) in denied {
        let ComponentItem::ComponentInstance(interface) = import.ty else {
            bail!("{name} is not an interface");
        };
        let mut instance = linker.instance(name)?;
        for (item, definition) in interface.exports(engine) {
            match definition.ty {
                ComponentItem::ComponentFunc(ty) => refuse_calls(&mut instance, item, &ty)?,
                ComponentItem::Resource(ty) if used.contains(&ty) => {}
                ComponentItem::Resource(_) => {
                    instance.resource(item, ResourceType::host::<Never>(), |_, _| Ok(()))?;
                }
                ComponentItem::Type(_) => {}
                _ => bail!("{name} has an item {item} that cannot be denied"),
            }
        }
    }
    Ok(())
}

fn resources_of(interface: &ComponentInstance, engine: &Engine) -> Vec<ResourceType> {
    let resource = |item| match item {
        ComponentItem::Resource(ty) => Some(ty),
        _ => None,
    };
    interface.exports(engine).filter_map(|(_, export)| resource(export.ty)).collect()
}

fn refuse_calls<T: Send + 'static>(
    instance: &mut LinkerInstance<'_, T>,
    name: &str,
    ty: &ComponentFunc,
) -> Result<()> {
    if ty.async_() {
        instance.func_new_concurrent(name, |_, ty, parameters, results| {
            let refusal = answer_refusal(&ty, parameters, results);
            Box::pin(async move { refusal })
        })?;
    } else {
        instance.func_new(name, |_, ty, parameters, results| {
            answer_refusal(&ty, parameters, results)
        })?;
    }
    Ok(())
}

fn answer_refusal(
    ty: &ComponentFunc,
    parameters: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    for (slot, ty) in results.iter_mut().zip(ty.results()) {
        *slot = match ty {
            Type::List(_) => Val::List(Vec::new()),
            Type::Option(_) => Val::Option(None),
            Type::Result(result) => {
                let error = result.err().and_then(|ty| refusal_value(&ty, parameters));
                Val::Result(Err(error.map(Box::new)))
            }
            // Reachable only through a resource, and there is never one.
            _ => return Err(format_err!("a call to an interface that was not inherited")),
        };
    }
    Ok(())
}

/// The case of an error variant that says "not for you", by what the variant has.
fn refusal_value(ty: &Type, parameters: &[Val]) -> Option<Val> {
    let Type::Variant(variant) = ty else { return None };
    let has = |name: &str| variant.cases().any(|case| case.name == name);
    let case = |name: &str, payload: Option<Val>| {
        Some(Val::Variant(name.to_owned(), payload.map(Box::new)))
    };
    if has("access-denied") {
        return case("access-denied", None);
    }
    if has("HTTP-request-denied") {
        return case("HTTP-request-denied", None);
    }
    if has("undefined") {
        return case("undefined", parameters.first().cloned());
    }
    let reason = "not inherited from the parent component: see inherit_configuration";
    case("other", Some(Val::String(reason.to_owned())))
}
