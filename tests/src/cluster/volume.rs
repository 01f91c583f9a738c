//! Volumes: folders of this machine, as K3s' local-path provisioner makes them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::Cluster;

impl Cluster {
    /// Makes the volume for a claim, and answers its folder.
    pub fn volume(&self, claim: &str, namespace: &str) -> Result<PathBuf> {
        let (name, folder) = (name(claim, namespace), self.volume_folder(claim, namespace));
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o777))?;
        let volume = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": "1Ti"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": "local-path",
                "hostPath": {"path": folder},
                "claimRef": {"namespace": namespace, "name": claim},
            },
        });
        self.apply(&volume.to_string())?;
        Ok(folder)
    }

    /// The folder of the volume of a claim.
    pub fn volume_folder(&self, claim: &str, namespace: &str) -> PathBuf {
        self.path("volumes").join(name(claim, namespace))
    }
}

fn name(claim: &str, namespace: &str) -> String {
    format!("{namespace}-{claim}")
}
