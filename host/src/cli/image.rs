//! `hedge image` and `hedge compile`: an application made ready to be carried elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::image::{self, ImageOptions};
use crate::manifest::Application;
use crate::runtime::engine::Architecture;
use crate::runtime::shipped::{self, SHIPPED};

/// The arguments of `hedge image`.
#[derive(Debug, Args)]
pub struct Image {
    /// The manifest: a spin.toml, or the folder it is in
    #[arg(short = 'f', long = "from", value_name = "PATH", default_value = "spin.toml")]
    from: PathBuf,
    /// In place of an application, a program for WASI 0.1: for nodes whose OCI runtime runs such
    /// modules itself
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "from", "runtime_config_file", "architectures", "update_of", "spin",
    ])]
    program: Option<PathBuf>,
    /// The folder to write to: oci/ (program/ for a program), and NAME.tar to import
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// A runtime-config.toml that the image is to have; a pod may mount another one over it
    #[arg(long, value_name = "FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Compile for this family of processors; repeatable. This machine's when not given
    #[arg(long = "arch", value_name = "FAMILY", value_enum)]
    architectures: Vec<Architecture>,
    /// Only what nodes lack that have the image in this folder, an earlier --output: the archive is
    /// NAME-update.tar, and code of components that have changed is compiled where they run
    #[arg(long, value_name = "FOLDER")]
    update_of: Option<PathBuf>,
    /// Also write spin/ and NAME-spin.tar: the same as `spin registry push --compose=false` lays it
    /// out, for runtimes with Spin 4.1 or newer inside
    #[arg(long)]
    spin: bool,
    /// What the image is called; localhost/NAME:VERSION of the application when not given
    #[arg(long, value_name = "NAME:TAG")]
    reference: Option<String>,
}

/// The arguments of `hedge compile`.
#[derive(Debug, Args)]
pub struct Compile {
    /// The manifest: a spin.toml, or the folder it is in
    #[arg(short = 'f', long = "from", value_name = "PATH", default_value = "spin.toml")]
    from: PathBuf,
    /// Compile for this family of processors; repeatable. This machine's when not given
    #[arg(long = "arch", value_name = "FAMILY", value_enum)]
    architectures: Vec<Architecture>,
    /// The folder to write to; `compiled` beside the manifest, where `hedge up` looks, when not
    /// given
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

impl Image {
    /// Writes an image.
    ///
    /// # Errors
    /// When the application is not what a host could run, or the folder cannot be written.
    pub fn run(self) -> Result<()> {
        let image = match &self.program {
            Some(module) => image::write_program(module, self.reference.as_deref(), &self.output)?,
            None => self.write_application()?,
        };
        println!("{} {}", image.reference, image.digest);
        eprintln!(
            "{:.2} MB. To take it into containerd: ctr -n k8s.io image import {}",
            image.bytes as f64 / 1e6,
            image.archive.display()
        );
        Ok(())
    }

    fn write_application(self) -> Result<image::WrittenImage> {
        let architectures = or_this_machine(self.architectures)?;
        let options = ImageOptions {
            manifest: &self.from,
            runtime_config: self.runtime_config_file.as_deref(),
            architectures: &architectures,
            reference: self.reference.as_deref(),
            update_of: self.update_of.as_deref(),
            for_spin: self.spin,
            output: &self.output,
        };
        image::write_image(&options, |step| eprintln!("{step}"))
    }
}

impl Compile {
    /// Compiles an application ahead of time.
    ///
    /// # Errors
    /// When a component does not compile, or the folder cannot be written.
    pub fn run(self) -> Result<()> {
        let application = Application::load(&self.from)?;
        let folder = self.output.unwrap_or_else(|| application.directory.join(SHIPPED));
        let context = || format!("the folder {}", folder.display());
        fs::create_dir_all(&folder).with_context(context)?;
        let mut kept = Vec::new();
        for architecture in or_this_machine(self.architectures)? {
            for (id, component) in &application.components {
                eprintln!("compiling {id}");
                let files = shipped::compile_portable(&folder, architecture, component);
                kept.extend(files.with_context(|| format!("[component.{id}]"))?);
            }
        }
        remove_others(&folder, &kept)?;
        println!("{}", folder.display());
        Ok(())
    }
}

fn or_this_machine(architectures: Vec<Architecture>) -> Result<Vec<Architecture>> {
    if !architectures.is_empty() {
        return Ok(architectures);
    }
    let here =
        Architecture::of_this_machine().context("which processors? Name them with --arch")?;
    Ok(vec![here])
}

/// Removes code of components that have changed since.
fn remove_others(folder: &Path, kept: &[PathBuf]) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if matches!(extension, Some("cwasm" | "json")) && !kept.contains(&path) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
