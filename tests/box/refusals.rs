//! What is refused, with nothing written, and a message that says what to do.

use std::fs;
use std::process::Output;

use anyhow::{Result, ensure};

use crate::{Bench, FIRST, files, manifests, succeeded};

/// Whether it failed and said so.
fn refused(output: &Output, words: &str) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1), "not refused: {output:?}");
    ensure!(said.contains(words), "said {said:?} instead of {words:?}");
    Ok(())
}

#[test]
fn a_stick_that_would_lack_something_is_not_made() -> Result<()> {
    let lacking = [
        ("k3s", "K3s: --k3s"),
        ("k3s-install.sh", "https://get.k3s.io"),
        ("k3s-airgap-images-amd64.tar.zst", "https://github.com/k3s-io/k3s/releases"),
        ("redis.tar", "skopeo copy docker://IMAGE"),
        ("build/hedge", "cargo xtask image"),
        ("build/hedgeschool.tar", "cargo xtask image"),
        ("manifests.yaml", "kubectl kustomize k3s/overlays/edge"),
    ];
    for (name, words) in lacking {
        let bench = Bench::new()?;
        fs::remove_file(bench.path(name))?;
        refused(&bench.make_stick(&[])?, words)?;
        assert!(!bench.path("stick").exists(), "{name}");
    }
    Ok(())
}

#[test]
fn a_stick_whose_manifests_name_another_image_is_not_made() -> Result<()> {
    let bench = Bench::new()?;
    for (image, words) in [
        ("docker.io/library/redis:8", "docker.io/library/redis:8, which is in no archive"),
        ("docker.io/library/redis@sha256:00", "named by its digest"),
    ] {
        bench.write("manifests.yaml", &manifests(image))?;
        refused(&bench.make_stick(&[])?, words)?;
        assert!(!bench.path("stick").exists());
    }
    Ok(())
}

#[test]
fn k3s_that_is_not_what_its_release_says_is_not_taken() -> Result<()> {
    let bench = Bench::new()?;
    let other = "0".repeat(64);
    bench.write("sums", &format!("{other}  k3s\n"))?;
    refused(&bench.make_stick(&["--k3s-sums", "sums"])?, "is not what sums says of k3s")?;
    bench.write("sums", &format!("{other}  k3s-arm64\n"))?;
    refused(&bench.make_stick(&["--k3s-sums", "sums"])?, "sums does not speak of k3s")
}

#[test]
fn a_folder_with_something_in_it_becomes_no_stick() -> Result<()> {
    let bench = Bench::with_stick()?;
    refused(&bench.make_stick(&[])?, "has files in it")
}

#[test]
fn a_stick_that_is_not_whole_is_not_used() -> Result<()> {
    let bench = Bench::with_stick()?;
    let arguments = [&FIRST[..], &["--expect", "00"]].concat();
    refused(&bench.install(&arguments)?, "another stick than --expect says")?;

    bench.write("stick/images/more.tar", "more")?;
    refused(&bench.install(&FIRST)?, "images/more.tar is not in SHA256SUMS")?;
    fs::remove_file(bench.path("stick/images/more.tar"))?;

    bench.write("stick/bin/hedge", "changed")?;
    refused(&bench.install(&FIRST)?, "bin/hedge: FAILED")?;
    fs::remove_file(bench.path("stick/bin/hedge"))?;
    refused(&bench.install(&FIRST)?, "bin/hedge is missing on the stick")?;

    fs::remove_file(bench.path("stick/SHA256SUMS"))?;
    refused(&bench.install(&FIRST)?, "has no SHA256SUMS")?;
    assert!(!bench.path("root").exists());
    Ok(())
}

#[test]
fn a_box_that_is_not_told_enough_is_not_made() -> Result<()> {
    let bench = Bench::with_stick()?;
    bench.write("lines", "one\ntwo\n")?;
    bench.write("nothing", "\n")?;
    let cork = ["--node-id", "cork", "--admin-file", "admin"];
    let with = |more: &[&'static str]| [&cork[..], more].concat();
    let wrong: [(Vec<&str>, &str); 11] = [
        (vec!["--admin-file", "admin"], "Give --node-id NAME"),
        (vec!["--node-id", "cork"], "give --admin-file FILE"),
        (with(&["--node-id", "Cork City"]), "only a-z 0-9 . _ -"),
        (with(&["--node-id", "a\nb"]), "only a-z 0-9 . _ -"),
        (with(&["--upstream-url", "https://hub.example.org"]), "give --upstream-token-file FILE"),
        (with(&["--upstream-url", "hub"]), "scheme, host and port"),
        (with(&["--upstream-url", "https://hub\"\nx: y"]), "scheme, host and port"),
        (with(&["--storage-limit", "20 GB"]), "a number and a unit"),
        (with(&["--upstream-token-file", "lines"]), "more than one line"),
        (with(&["--secret-file", "bootstrap_client=nothing"]), "nothing is empty"),
        (with(&["--secret-file", "a/b=token"]), "is no variable"),
    ];
    for (arguments, words) in wrong {
        refused(&bench.install(&arguments)?, words)?;
        assert!(!bench.path("root").exists(), "{arguments:?}");
    }
    refused(&bench.install(&["--no-such-thing"])?, "see --help")
}

#[test]
fn what_was_set_once_is_not_overwritten_by_accident() -> Result<()> {
    let bench = Bench::with_box()?;
    let before = files(&bench.path("root"))?;
    bench.write("other", "another token\n")?;
    refused(&bench.install(&["--node-id", "dublin"])?, "this box is 'cork'")?;
    let another = ["--upstream-token-file", "other"];
    refused(&bench.install(&another)?, "upstream_token is set to something else already")?;
    assert_eq!(files(&bench.path("root"))?, before);

    let all = [&another[..], &["--replace-secrets", "--node-id", "dublin", "--rename"]].concat();
    let session = bench.secret("session_secret")?;
    succeeded(&bench.install(&all)?)?;
    assert_eq!(bench.secret("upstream_token")?, "another token");
    assert_eq!(bench.secret("session_secret")?, session, "it was not to be replaced");
    let node = bench.installed("var/lib/rancher/k3s/server/manifests/hedgeschool-2-node.yaml")?;
    assert!(node.contains("node_id: \"dublin\"\n  upstream_url: \"https://hub.example.org:8443\""));
    Ok(())
}
