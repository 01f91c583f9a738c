//! Images of programs of this machine, where no registry is to be had.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use super::settings::PAUSE;
use super::{Cluster, output};

/// What the manifests call the Redis beside a node. Debian's stands in for it.
const REDIS: &str = "docker.io/library/redis:7.2";
/// Programs of a shell.
const BUSYBOX: &str = "docker.io/library/busybox:1.36";

/// A program in an image.
#[derive(Clone, Copy)]
struct Packed<'a> {
    /// The program, here.
    program: &'a Path,
    /// Where it is in the image.
    place: &'a str,
    /// What the image runs.
    command: &'a [&'a str],
}

impl Cluster {
    pub(super) fn import_images(&self) -> Result<()> {
        let busybox = find("busybox")?;
        let forever = ["/bin/busybox", "sleep", "2147483647"];
        let pause = Packed { program: &busybox, place: "/bin/busybox", command: &forever };
        self.import_program(PAUSE, &pause, &[])?;
        let shell = Packed { command: &["/bin/sh"], ..pause };
        self.import_program(BUSYBOX, &shell, &["/bin/sh", "/bin/sleep", "/bin/wget"])?;
        let redis = find("redis-server")?;
        let place = "/usr/local/bin/redis-server";
        let redis = Packed { program: &redis, place, command: &["redis-server"] };
        self.import_program(REDIS, &redis, &[])
    }

    /// Takes in an archive of images.
    pub fn import(&self, archive: &Path) -> Result<()> {
        self.ctr(&["image", "import", &archive.display().to_string()]).map(drop)
    }

    /// Makes an image of a program with the libraries that it needs, in the form of `docker save`.
    fn import_program(&self, reference: &str, packed: &Packed<'_>, links: &[&str]) -> Result<()> {
        let Packed { program, place, command } = *packed;
        let mut layer = Builder::new(Vec::new());
        append(&mut layer, place, &fs::read(program)?, 0o755)?;
        for link in links {
            let mut header = Header::new_gnu();
            header.set_entry_type(EntryType::Symlink);
            layer.append_link(&mut header, link.trim_start_matches('/'), place)?;
        }
        for library in libraries(program)? {
            append(&mut layer, &library.display().to_string(), &fs::read(&library)?, 0o755)?;
        }
        let layer = layer.into_inner()?;
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": command, "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{:x}", Sha256::digest(&layer))]},
        });
        let manifest =
            json!([{"Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"]}]);
        let archive = self.path("image.tar");
        let mut tar = Builder::new(File::create(&archive)?);
        append(&mut tar, "manifest.json", manifest.to_string().as_bytes(), 0o644)?;
        append(&mut tar, "config.json", config.to_string().as_bytes(), 0o644)?;
        append(&mut tar, "layer.tar", &layer, 0o644)?;
        tar.into_inner()?.sync_all()?;
        self.import(&archive).with_context(|| format!("importing {reference}"))
    }
}

fn append(
    archive: &mut Builder<impl std::io::Write>,
    path: &str,
    content: &[u8],
    mode: u32,
) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(mode);
    header.set_size(u64::try_from(content.len())?);
    Ok(archive.append_data(&mut header, path.trim_start_matches('/'), content)?)
}

fn find(program: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    let found = places.find(|place| place.is_file());
    found.with_context(|| format!("there is no {program} here"))
}

/// The files that the dynamic linker loads for a program, itself too; none if it needs none.
fn libraries(program: &Path) -> Result<BTreeSet<PathBuf>> {
    let Ok(text) = output(Command::new("ldd").arg(program)) else { return Ok(BTreeSet::new()) };
    let words = text.split_whitespace().filter(|word| word.starts_with('/'));
    Ok(words.map(PathBuf::from).collect())
}
