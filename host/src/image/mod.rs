//! An application as an OCI image, for `containerd-shim-hedge-v1`: no registry and no daemon has
//! part in it. The same input gives the same bytes.
//!
//! The image has the manifest, the components, their code compiled ahead of time for any machine
//! of a family, and no program: the shim brings that. Each component and each compiled code is a
//! layer of its own, so that an update carries what changed and no more.

mod archive;
mod blob;
mod files;
mod layer;
mod layout;
mod previous;
mod program;
mod spin;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use self::archive::ArchiveEntry;
use self::blob::Blob;
use self::files::Packed;
use self::layer::Layer;
use self::layout::Layout;
use self::previous::{COMPILED, PreviousImage};
use crate::manifest::Application;
use crate::runtime::engine::Architecture;
use crate::runtime::shipped::{self, SHIPPED};

pub use program::write_program;

/// The user of a container of the image, unless its pod says otherwise: nobody's.
const USER: u64 = 65532;
/// Where the shim keeps state when nobody mounts a volume.
const STATE: &str = ".spin";
/// When all of an image was made, as far as it says: it does not depend on the day.
const CREATED: &str = "1970-01-01T00:00:00Z";
/// Layers that containerd can mount on top of each other without trouble.
const LAYERS_MAX: usize = 100;

/// What to make an image of.
#[derive(Debug)]
pub struct ImageOptions<'a> {
    /// The manifest, or the folder it is in.
    pub manifest: &'a Path,
    /// The runtime configuration that the image is to have, if any.
    pub runtime_config: Option<&'a Path>,
    /// The families of processors to compile for.
    pub architectures: &'a [Architecture],
    /// What the image is to be called, e.g. `localhost/school:1`; None: after the application.
    pub reference: Option<&'a str>,
    /// The folder of an earlier image that nodes have. Then the archive carries what that lacks,
    /// and code of components that have changed is compiled where they run.
    pub update_of: Option<&'a Path>,
    /// Whether to write it also as `spin registry push` lays it out.
    pub for_spin: bool,
    /// The folder to write to; what an earlier call left there is replaced.
    pub output: &'a Path,
}

/// An image that was written.
#[derive(Debug)]
pub struct WrittenImage {
    /// What it is called.
    pub reference: String,
    /// The SHA-256 of its index, as `sha256:…`.
    pub digest: String,
    /// The archive to import.
    pub archive: PathBuf,
    /// Bytes of that.
    pub bytes: u64,
}

/// Writes an image as an OCI layout and as an archive of that. `tell` hears of each step.
///
/// # Errors
/// When the application is not what a host could run, a component does not compile, or the folder
/// cannot be written.
pub fn write_image(options: &ImageOptions<'_>, tell: impl Fn(&str)) -> Result<WrittenImage> {
    let application = Application::load(options.manifest)?;
    let packed = Packed::from_manifest(options.manifest, &application)?;
    let reference = match options.reference {
        Some(reference) => reference.to_owned(),
        None => default_reference(&application),
    };
    let previous = options.update_of.map(PreviousImage::read_image).transpose()?;
    let mut layout = Layout::in_folder(&options.output.join("oci"))?;
    let common = common_layers(&packed, options.runtime_config)?;
    let mut manifests = Vec::new();
    for architecture in options.architectures {
        tell(&format!("compiling for {}", architecture_name(*architecture)));
        let mut layers = compiled_layers(&application, *architecture, previous.as_ref(), &tell)?;
        layers.extend(common.iter().cloned());
        ensure!(layers.len() <= LAYERS_MAX, "{} layers: an image has {LAYERS_MAX}", layers.len());
        manifests.push(add_application(&mut layout, &application, *architecture, &layers)?);
    }
    let digest = layout.finish_image(&manifests, &reference)?;
    let kind = if previous.is_some() { "-update" } else { "" };
    let archive = options.output.join(format!("{}{kind}.tar", application.name));
    tell(&format!("writing {}", archive.display()));
    layout.write_archive(&archive, &previous.unwrap_or_default().blobs)?;
    if options.for_spin {
        let archive = spin::write_for_spin(&application, &packed, &reference, options.output)?;
        tell(&format!("written for Spin: {}", archive.display()));
    }
    let bytes = fs::metadata(&archive)?.len();
    Ok(WrittenImage { reference, digest, archive, bytes })
}

/// A name that no registry answers to, so that none is asked for it.
fn default_reference(application: &Application) -> String {
    let version = match application.version.as_str() {
        "" => "latest",
        version => version,
    };
    format!("localhost/{}:{version}", application.name)
}

fn architecture_name(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "amd64",
        Architecture::Arm64 => "arm64",
    }
}

/// What all processors have in common: a layer for each component, and one for the rest.
fn common_layers(packed: &Packed, runtime_config: Option<&Path>) -> Result<Vec<Layer>> {
    let mut layers = Vec::new();
    for (path, source) in &packed.components {
        let bytes = fs::read(source).with_context(|| format!("{}", source.display()))?;
        layers.push(Layer::pack_entries(
            path,
            vec![ArchiveEntry::new_folder("components"), ArchiveEntry::new_file(path, bytes)],
        )?);
    }
    let mut rest = vec![
        ArchiveEntry::new_folder(STATE).owned_by(USER),
        ArchiveEntry::new_file("spin.toml", packed.manifest.clone().into_bytes()),
    ];
    if let Some(file) = runtime_config {
        let bytes = fs::read(file).with_context(|| format!("{}", file.display()))?;
        rest.push(ArchiveEntry::new_file("runtime-config.toml", bytes));
    }
    layers.push(Layer::pack_entries("spin.toml", rest)?);
    Ok(layers)
}

/// A layer for the code of each component that is to have it.
fn compiled_layers(
    application: &Application,
    architecture: Architecture,
    previous: Option<&PreviousImage>,
    tell: &impl Fn(&str),
) -> Result<Vec<Layer>> {
    let folder = tempfile::tempdir()?;
    let mut layers = Vec::new();
    for (id, component) in &application.components {
        let key = shipped::code_key(architecture, component);
        let key = key.with_context(|| format!("[component.{id}]"))?;
        if previous.is_some_and(|previous| !previous.has_code(&key)) {
            tell(&format!("{id} has changed: its code is compiled where it runs"));
            continue;
        }
        let files = shipped::compile_portable(folder.path(), architecture, component);
        let mut entries = vec![ArchiveEntry::new_folder(SHIPPED)];
        for file in files.with_context(|| format!("[component.{id}]"))? {
            let name = file.file_name().context("compiled code has a name")?.to_string_lossy();
            entries.push(ArchiveEntry::new_file(&format!("{SHIPPED}/{name}"), fs::read(&file)?));
        }
        layers.push(Layer::pack_entries(&format!("{COMPILED}{id} {key}"), entries)?);
    }
    Ok(layers)
}

/// Adds an application's image for one family of processors.
fn add_application(
    layout: &mut Layout,
    application: &Application,
    architecture: Architecture,
    layers: &[Layer],
) -> Result<Value> {
    let container = json!({
        "User": format!("{USER}:{USER}"),
        "ExposedPorts": {"80/tcp": {}},
        "Entrypoint": ["/spin.toml"],
        "WorkingDir": "/",
        "StopSignal": "SIGTERM",
        "Labels": {
            "org.opencontainers.image.title": application.name,
            "org.opencontainers.image.version": application.version,
        },
    });
    add_image(layout, &container, architecture, layers)
}

/// Adds an image for one family of processors (OCI image specification, "Image Manifest" and
/// "Image Configuration"), whose containers are to be like this.
fn add_image(
    layout: &mut Layout,
    container: &Value,
    architecture: Architecture,
    layers: &[Layer],
) -> Result<Value> {
    let config = json!({
        "created": CREATED,
        "architecture": architecture_name(architecture),
        "os": "linux",
        "config": container,
        "rootfs": {
            "type": "layers",
            "diff_ids": layers.iter().map(|layer| &layer.diff_id).collect::<Vec<_>>(),
        },
        "history": layers.iter().map(|layer| json!({
            "created": CREATED,
            "created_by": format!("hedge image: {}", layer.title),
        })).collect::<Vec<_>>(),
    });
    let config =
        layout.add_blob(&Blob::from_json("application/vnd.oci.image.config.v1+json", &config)?)?;
    let layers = layers.iter().map(|layer| layout.add_blob(&layer.blob));
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": kind,
        "config": config,
        "layers": layers.collect::<Result<Vec<_>>>()?,
    });
    let mut manifest = layout.add_blob(&Blob::from_json(kind, &manifest)?)?;
    if let Some(described) = manifest.as_object_mut() {
        let platform = json!({"architecture": architecture_name(architecture), "os": "linux"});
        described.insert("platform".to_owned(), platform);
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests;
