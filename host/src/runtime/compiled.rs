//! The compiled form of all components of an application.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::cache::{Cache, Compiled};
use super::engine;
use super::shipped::Shipped;
use crate::manifest::{self, Application};

/// The compiled form of each component: what came with the application, and for the rest what the
/// cache has or gets now.
///
/// # Errors
/// When a source is missing, does not compose, or does not compile.
pub fn compile_components<'a>(
    cache: &Cache,
    application: &'a Application,
) -> Result<Vec<(&'a str, Compiled)>> {
    let shipped = Shipped::open(application).unwrap_or_else(|refusal| {
        tracing::warn!("not using the compiled code that came with it: {refusal:#}");
        None
    });
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for (id, component) in &application.components {
        match shipped.as_ref().and_then(|shipped| shipped.find_compiled(component)) {
            Some(compiled) => found.push((id.as_str(), compiled)),
            None => missing.push((id.as_str(), component)),
        }
    }
    if shipped.is_some() && !missing.is_empty() {
        let ids: Vec<_> = missing.iter().map(|(id, _)| *id).collect();
        let ids = ids.join(", ");
        tracing::info!("the compiled code that came with the application is not that of {ids}");
    }
    if !missing.is_empty() {
        found.extend(compile_missing(cache, missing)?);
    }
    Ok(found)
}

/// What the cache has of components, and the rest compiled, all at one time: the parts of that
/// which use one processor do not wait for each other. People see how far it is.
fn compile_missing<'a>(
    cache: &Cache,
    components: Vec<(&'a str, &manifest::Component)>,
) -> Result<Vec<(&'a str, Compiled)>> {
    let compiler = engine::new_compiler()?;
    let (compiler, done) = (&compiler, &AtomicUsize::new(0));
    let mut known = Vec::new();
    let mut missing = Vec::new();
    for (id, component) in components {
        match cache
            .find_compiled(compiler, component)
            .with_context(|| format!("[component.{id}]"))?
        {
            Some(compiled) => known.push((id, compiled)),
            None => missing.push((id, component)),
        }
    }
    let all = missing.len();
    if all > 0 {
        let later = if cache.is_kept() { ": later starts need not" } else { "" };
        tracing::info!("compiling {all} components for this machine{later}");
    }
    let get = |id: &'a str, component: &manifest::Component| {
        let started = Instant::now();
        let compiled = cache.get_or_compile(compiler, component);
        let compiled = compiled.with_context(|| format!("[component.{id}]"))?;
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::info!("compiled {id} in {:.1?}: {done} of {all}", started.elapsed());
        Ok((id, compiled))
    };
    if all > 0 {
        // Threads of its own, on which Wasmtime's compiler works too: what they took can be given
        // back when they are gone, and that is ten times what a node takes otherwise.
        let compiled = missing.into_par_iter().map(|(id, component)| get(id, component));
        let compiled = rayon::ThreadPoolBuilder::new().build_scoped(
            |thread| thread.run(),
            |threads| threads.install(|| compiled.collect::<Result<Vec<_>>>()),
        );
        known.extend(compiled.context("threads to compile on")??);
        // SAFETY: it may be called at any time, also where another allocator is used.
        unsafe { libmimalloc_sys::mi_collect(true) };
    }
    Ok(known)
}
