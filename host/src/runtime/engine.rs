//! The Wasmtime engine: how components are compiled and where their instances live.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::limits::Limits;

/// How often a guest that does not return is made to yield.
pub const EPOCH: Duration = Duration::from_millis(10);

/// What one instance takes from the pool.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct InstanceResources {
    /// Linear memories.
    pub memories: u32,
    /// Tables.
    pub tables: u32,
    /// Elements of its largest table at the start.
    pub table_elements_max: u64,
}

/// What memory a pooled slot keeps between two instances; more is given back to the system. The
/// difference to 2 MiB is a node of 27 MB instead of 187 under load.
const KEEP_RESIDENT: usize = 64 << 10;

/// Settings that decide what compiled code looks like, the same for compiling and running.
fn base_config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    config.wasm_component_model_async(true);
    config.epoch_interruption(true);
    config
}

/// An engine for compiling only.
///
/// # Errors
/// When this machine cannot run Wasmtime.
pub fn new_compiler() -> Result<Engine> {
    Ok(Engine::new(&base_config())?)
}

/// A family of processors that code can be compiled for elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Architecture {
    /// x86-64-v2: what Intel and AMD have made since 2009
    #[value(name = "amd64")]
    Amd64,
    /// ARMv8-A, 64 bits
    #[value(name = "arm64")]
    Arm64,
}

impl Architecture {
    /// That of this machine; None if it is neither.
    pub fn of_this_machine() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::Amd64),
            "aarch64" => Some(Self::Arm64),
            _ => None,
        }
    }

    /// What Rust and Wasmtime call it.
    pub fn target_triple(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// What its processors have beyond the oldest of the family, by Cranelift's names.
    pub fn cpu_features(self) -> &'static [&'static str] {
        match self {
            Self::Amd64 => {
                &["has_cmpxchg16b", "has_popcnt", "has_sse3", "has_ssse3", "has_sse41", "has_sse42"]
            }
            Self::Arm64 => &[],
        }
    }
}

/// An engine for compiling what any machine of a family can run, one with the same Wasmtime.
///
/// # Errors
/// When Wasmtime cannot compile for it.
pub fn portable_compiler(architecture: Architecture) -> Result<Engine> {
    let mut config = base_config();
    config.target(architecture.target_triple())?;
    for feature in architecture.cpu_features() {
        // SAFETY: code that uses the feature is loaded only where Wasmtime finds it.
        unsafe { config.cranelift_flag_enable(feature) };
    }
    Ok(Engine::new(&config)?)
}

/// An engine whose pool has room for `limits.instances_max` instances of each component.
///
/// # Errors
/// When the address space for the pool cannot be reserved.
pub fn pooled_engine(components: &[InstanceResources], limits: &Limits) -> Result<Engine> {
    let instances = u32::try_from(limits.instances_max).unwrap_or(u32::MAX / 64);
    let sum = |count: fn(&InstanceResources) -> u32| {
        let each = components.iter().map(count).fold(0, u32::saturating_add);
        each.max(1).saturating_mul(instances)
    };
    let most = |count: fn(&InstanceResources) -> u32| {
        components.iter().map(count).max().unwrap_or(1).max(1)
    };
    let elements = components.iter().map(|component| component.table_elements_max).max();
    let elements = usize::try_from(elements.unwrap_or(0)).unwrap_or(usize::MAX).max(1024);
    let count = u32::try_from(components.len()).unwrap_or(1).max(1).saturating_mul(instances);

    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(count);
    // Core instances are counted, not reserved: a composition has a few dozen.
    pool.total_core_instances(count.saturating_mul(256));
    pool.total_memories(sum(|component| component.memories));
    pool.max_memories_per_component(most(|component| component.memories));
    pool.total_tables(sum(|component| component.tables));
    pool.max_tables_per_component(most(|component| component.tables));
    pool.table_elements(elements);
    // One for each instance at work and some for calls that block inside: each stack costs a
    // system call at start.
    pool.total_stacks(count.saturating_add(count / 2));
    // Components compiled from Rust have no garbage-collected heap.
    pool.total_gc_heaps(count);
    pool.max_memory_size(limits.memory_max);
    pool.linear_memory_keep_resident(KEEP_RESIDENT);
    pool.table_keep_resident(KEEP_RESIDENT);

    let mut config = base_config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Ok(Engine::new(&config)?)
}

/// Advances the engine's epoch every [`EPOCH`] until dropped.
#[derive(Debug)]
pub struct EpochClock {
    stop: Arc<AtomicBool>,
}

impl EpochClock {
    /// Starts the clock on a thread of its own: it must tick also while all workers are busy.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(engine: &Engine) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (engine, stopped) = (engine.weak(), stop.clone());
        let tick = move || {
            while !stopped.load(Ordering::Relaxed)
                && let Some(engine) = engine.upgrade()
            {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(EPOCH);
            }
        };
        std::thread::Builder::new().name("epoch".to_owned()).spawn(tick)?;
        Ok(Self { stop })
    }
}

impl Drop for EpochClock {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
