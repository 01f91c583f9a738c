//! An application, from its manifest to something that answers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::allowed_hosts::AllowedHosts;
use crate::limits::Limits;
use crate::lock::Holder;
use crate::manifest::{self, Application};
use crate::metrics::{Events, Metrics};
use crate::route::Router;
use crate::runtime::cache::{Cache, Code, Compiled};
use crate::runtime::compiled::compile_components;
use crate::runtime::engine::{self, EpochClock};
use crate::runtime::grants::Grants;
use crate::runtime::linker::new_linker;
use crate::runtime::outbound::Network;
use crate::runtime::service::Service;
use crate::runtime_config::{RuntimeConfig, Unnamed};
use crate::server::{Directory, ResponseCache, Routes};
use crate::stores::{self, Patience, Stores};
use crate::telemetry::{self, Traces};
use crate::ticker::Schedule;
use crate::variables::{EnvironmentNames, Overrides, Variables};
use crate::wake::Wake;

/// Where an application comes from and how it is to run.
#[derive(Debug, Default, Clone)]
pub struct AppOptions {
    /// The manifest, or the folder it is in.
    pub manifest: PathBuf,
    /// The runtime configuration, if any.
    pub runtime_config: Option<PathBuf>,
    /// Where stores live that nobody configured, and relative paths of those that were.
    pub state_dir: Option<PathBuf>,
    /// That folder when neither this nor the configuration names one; None: where Spin looks.
    pub state_dir_unnamed: Option<PathBuf>,
    /// Where compiled components are kept.
    pub cache_dir: Option<PathBuf>,
    /// Values of application variables.
    pub variables: Overrides,
    /// Environment variables that give values to others of them.
    pub environment_names: EnvironmentNames,
    /// Environment variables for all components, over those of the manifest.
    pub environment: Vec<(String, String)>,
    /// Whether to wait for another process that has the stores, rather than be refused.
    pub waits: bool,
    /// Where this process answers, for whoever waits for it.
    pub own_address: Option<SocketAddr>,
    /// The port at which this process answers for course content, as another origin.
    pub content_port: Option<u16>,
    /// Every limit.
    pub limits: Limits,
}

/// The variable that says where course content is, as another origin.
const CONTENT_ORIGIN: &str = "content_origin";

/// Where the operator wants course content; empty: anywhere. None: the application does not keep it
/// apart.
///
/// # Errors
/// For what is wrong with the manifest or a variable.
pub fn content_origin(options: &AppOptions) -> Result<Option<String>> {
    let application = Application::load(&options.manifest)?;
    let variables = resolve_variables(&application, options)?;
    Ok(variables.get(CONTENT_ORIGIN).map(str::to_owned))
}

/// A loaded application.
pub struct App {
    /// Who answers what.
    pub routes: Arc<Routes>,
    /// For reaching components from the host itself.
    pub directory: Directory,
    /// When to tick the `sync` component, if at all.
    pub schedule: Option<Schedule>,
    /// What makes it tick earlier, if anything does.
    pub wake: Option<Wake>,
    /// What is counted of it.
    pub metrics: Arc<Metrics>,
    traces: Option<Arc<Traces>>,
    stores: Stores,
    _clock: EpochClock,
}

impl App {
    /// Loads an application. Runs in a Tokio runtime's context and blocks. If it waits for another
    /// process that has the stores, it tells which.
    ///
    /// # Errors
    /// For whatever is wrong with the manifest, the configuration, a store or a component, naming
    /// the key and what to do.
    pub fn load(options: &AppOptions, tell: &dyn Fn(Holder)) -> Result<Self> {
        let started = Instant::now();
        let application = Application::load(&options.manifest)?;
        let (variables, config) = load_configuration(&application, options)?;
        let router = Router::new(application.routes.clone())?;
        let schedule = match application.components.contains_key(crate::ticker::COMPONENT) {
            true => Schedule::from_variables(&variables)?,
            false => None,
        };
        let wake = Wake::from_variables(&variables)?;
        let limits = Arc::new(options.limits.clone());
        let cache = open_cache(options, &config)?;
        let compiled = compile_components(&cache, &application)?;
        // Only now that all of the manifest can be honoured: a refused one leaves no files behind.
        let own = options.own_address;
        let patience = if options.waits { Patience::Wait { own, tell } } else { Patience::None };
        let stores = Stores::open(&application, &config, patience)?;
        let resources: Vec<_> = compiled.iter().map(|(_, compiled)| compiled.resources).collect();
        tracing::debug!("composed and compiled, or found so, after {:?}", started.elapsed());
        let engine = engine::pooled_engine(&resources, &limits)?;
        tracing::debug!("pool reserved after {:?}", started.elapsed());
        let clock = EpochClock::start(&engine)?;
        let directory = Directory::default();
        let traces = telemetry::open_traces()?.map(Arc::new);
        let events = Events::default();
        let others = Arc::new(directory.clone());
        let network = Network::new(config.outbound_http, others, traces.clone(), events.clone());
        let network = Arc::new(network);
        let responses = ResponseCache::new(limits.response_cache_bytes);
        let loading = Loading { engine, cache, network, limits };
        let services = loading.load_services(&application, &compiled, |id, component| {
            grants_of(id, component, &variables, &stores, options)
        })?;
        let metrics =
            Metrics::new(stores.named_databases(), config.state_dir, directory.clone(), &events);
        let metrics = Arc::new(metrics);
        let counted = router.routes().iter().map(|route| {
            let requests = metrics.requests.of_route(&route.component, &route.pattern);
            (route.pattern.clone(), requests)
        });
        let counted = counted.collect();
        let routes = Arc::new(Routes {
            name: application.name,
            version: application.version,
            router,
            services,
            cache: responses,
            counted,
        });
        directory.bind_routes(&routes);
        tracing::debug!("loaded in {:?}", started.elapsed());
        Ok(Self { routes, directory, schedule, wake, metrics, traces, stores, _clock: clock })
    }

    /// Closes the databases: takes no more statements and finishes those that were sent.
    pub async fn close(self) {
        drop(self.routes);
        self.stores.close().await;
        if let Some(traces) = self.traces {
            // What cannot be sent is dropped.
            let _ = tokio::task::spawn_blocking(move || traces.shut_down()).await;
        }
    }
}

/// All of the configuration, checked: what is wrong with it is better said before than after the
/// seconds that compiling takes.
fn load_configuration(
    application: &Application,
    options: &AppOptions,
) -> Result<(Variables, RuntimeConfig)> {
    let variables = resolve_variables(application, options)?;
    let unnamed = match &options.state_dir_unnamed {
        Some(folder) => Unnamed::In(folder),
        None => Unnamed::AsUnderSpin(&application.directory),
    };
    let config = RuntimeConfig::load(
        options.runtime_config.as_deref(),
        options.state_dir.as_deref(),
        unnamed,
    )?;
    for (id, component) in &application.components {
        config.check_labels(id, &component.sqlite_databases, &component.key_value_stores)?;
        let context = || format!("[component.{id}]");
        render_allowed_hosts(component, &variables).with_context(context)?;
        render_variables::<Vec<_>>(component, &variables).with_context(context)?;
    }
    stores::check_stores(application, &config, options.waits)?;
    Ok((variables, config))
}

fn resolve_variables(application: &Application, options: &AppOptions) -> Result<Variables> {
    let environment = |name: &str| std::env::var(name).ok();
    let AppOptions { variables, environment_names, .. } = options;
    let declared = &application.variables;
    let mut resolved = Variables::resolve(declared, variables, *environment_names, environment)?;
    if let Some(port) = options.content_port {
        resolved.fill_empty(CONTENT_ORIGIN, format!(":{port}"));
    }
    Ok(resolved)
}

/// The cache in the folder that is named, or else in the user's or the state folder.
fn open_cache(options: &AppOptions, config: &RuntimeConfig) -> Result<Cache> {
    if let Some(folder) = &options.cache_dir {
        return Cache::in_folder(folder);
    }
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let user = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let user = user.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")));
    let mut folders: Vec<_> = user.map(|user| user.join("hedgeschool")).into_iter().collect();
    folders.push(config.state_dir.join("cache"));
    Ok(Cache::in_one_of(&folders))
}

fn join_thread<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| Err(anyhow!("a thread panicked while loading")))
}

fn render_allowed_hosts(
    component: &manifest::Component,
    variables: &Variables,
) -> Result<AllowedHosts> {
    let hosts =
        component.allowed_outbound_hosts.iter().map(|entry| variables.render_template(entry));
    let hosts: Vec<String> = hosts.collect::<Result<_>>().context("allowed_outbound_hosts")?;
    AllowedHosts::parse(hosts.iter().map(String::as_str)).context("allowed_outbound_hosts")
}

/// A component's own variables, whose values are templates.
fn render_variables<C: FromIterator<(String, String)>>(
    component: &manifest::Component,
    variables: &Variables,
) -> Result<C> {
    let render = |(name, template): (&String, &String)| {
        let value =
            variables.render_template(template).with_context(|| format!("variables.{name}"))?;
        Ok((name.clone(), value))
    };
    component.variables.iter().map(render).collect()
}

fn grants_of(
    id: &str,
    component: &manifest::Component,
    variables: &Variables,
    stores: &Stores,
    options: &AppOptions,
) -> Result<Grants> {
    let mut environment = component.environment.clone();
    environment.extend(options.environment.iter().cloned());
    let databases = component.sqlite_databases.iter();
    let key_value = component.key_value_stores.iter();
    Ok(Grants {
        id: id.into(),
        environment: environment.into_iter().collect(),
        variables: render_variables(component, variables)?,
        hosts: render_allowed_hosts(component, variables)?,
        sqlite_databases: databases
            .filter_map(|label| Some((label.clone(), stores.sqlite.get(label)?.clone())))
            .collect(),
        key_value_stores: key_value
            .filter_map(|label| Some((label.clone(), stores.key_value.get(label)?.clone())))
            .collect(),
    })
}

/// What is needed to turn compiled code into services.
struct Loading {
    engine: Engine,
    cache: Cache,
    network: Arc<Network>,
    limits: Arc<Limits>,
}

impl Loading {
    fn load_services(
        &self,
        application: &Application,
        compiled: &[(&str, Compiled)],
        grants: impl Fn(&str, &manifest::Component) -> Result<Grants> + Sync,
    ) -> Result<BTreeMap<String, Arc<Service>>> {
        let started = Instant::now();
        let linker = new_linker(&self.engine)?;
        tracing::debug!("linker made in {:?}", started.elapsed());
        let load = |id: &str, code: &Compiled| {
            let component = application.components.get(id).context("vanished")?;
            let grants = Arc::new(grants(id, component)?);
            let started = Instant::now();
            let wasm = self.map_code(component, code)?;
            tracing::debug!("component {id} mapped in {:?}", started.elapsed());
            let (network, limits) = (self.network.clone(), self.limits.clone());
            let service = Service::new(&wasm, &linker, &self.engine, grants, network, limits);
            tracing::debug!("component {id} linked after {:?}", started.elapsed());
            service
        };
        let load = |id: &str, code: &Compiled| {
            let service = load(id, code).with_context(|| format!("[component.{id}]"))?;
            Ok((id.to_owned(), Arc::new(service)))
        };
        thread::scope(|scope| {
            let load = &load;
            let loading = compiled.iter().map(|(id, code)| scope.spawn(|| load(id, code)));
            let loading: Vec<_> = loading.collect();
            loading.into_iter().map(join_thread).collect()
        })
    }

    /// Maps compiled code; compiles once more when the cached file turns out to be damaged.
    fn map_code(&self, component: &manifest::Component, code: &Compiled) -> Result<Component> {
        // SAFETY: the code was made by a compiler of this very Wasmtime, and is in memory or in a
        // folder that nobody else can write to, which `Cache` has checked.
        let map = |compiled: &Compiled| unsafe {
            match &compiled.code {
                Code::File(path) => Component::deserialize_file(&self.engine, path),
                Code::Memory(code) => Component::deserialize(&self.engine, code),
            }
        };
        match map(code) {
            Ok(component) => Ok(component),
            Err(error) => {
                tracing::warn!("compiling anew, the cached code does not load: {error:#}");
                self.cache.forget_entry(code);
                Ok(map(&self.cache.get_or_compile(&self.engine, component)?)?)
            }
        }
    }
}
