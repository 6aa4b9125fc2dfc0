//! Container images as OCI archives, made by hand: one layer, no Docker, equal bytes for equal files.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};

use crate::build::{self, Binary, OPERATOR, Optimised, SIDECAR};
use crate::{tools, workspace};

/// The registry that the images' names claim. Nobody serves it: images are imported, never pulled.
pub const REGISTRY: &str = "registry.test";
/// The image that holds pods' namespaces.
pub const PAUSE: &str = "registry.test/pause:1";
/// The cluster's name server.
pub const COREDNS: &str = "registry.test/coredns:1";
/// The recorded provider, with its cases under `/recorded` and the vendors' schemas under `/specs`.
pub const PROVIDER: &str = "registry.test/recorded-provider:1";
/// The vendors' Go SDKs.
pub const SDKCHAT: &str = "registry.test/sdkchat:1";
/// What an attacker would run in a pod.
pub const INTRUDER: &str = "registry.test/intruder:1";

/// A user of no rights; the images of ours run as it.
const NOBODY: &str = "65532:65532";

/// An image of static programs.
#[derive(Debug, Clone)]
pub struct Image {
    /// The name under which it is imported.
    pub name: String,
    /// The program that it runs.
    pub entrypoint: String,
    /// `uid:gid`; `None`: root.
    pub user: Option<&'static str>,
    /// Files and folders: source, and absolute path in the image.
    pub files: Vec<(PathBuf, String)>,
}

impl Image {
    fn of(name: &str, program: &Path, entrypoint: &str, user: Option<&'static str>) -> Self {
        let files = vec![(program.to_path_buf(), entrypoint.to_owned())];
        Self { name: name.into(), entrypoint: entrypoint.into(), user, files }
    }

    /// Writes the image as an OCI archive, and gives its size in bytes.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn write(&self, archive: &Path) -> Result<u64> {
        let layer = self.layer()?;
        let config = self.config(&layer).to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": described("application/vnd.oci.image.config.v1+json", &config),
            "layers": [described("application/vnd.oci.image.layer.v1.tar", &layer)],
        })
        .to_string()
        .into_bytes();
        let mut top = described("application/vnd.oci.image.manifest.v1+json", &manifest);
        top["annotations"] = json!({"io.containerd.image.name": self.name});
        let index = json!({"schemaVersion": 2, "manifests": [top]}).to_string();

        let folder = archive.parent().context("an archive has a folder")?;
        std::fs::create_dir_all(folder)?;
        let mut tar = Builder::new(File::create(archive).with_context(|| format!("writing {}", archive.display()))?);
        add(&mut tar, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#, 0o644)?;
        add(&mut tar, "index.json", index.as_bytes(), 0o644)?;
        for blob in [&layer, &config, &manifest] {
            add(&mut tar, &format!("blobs/sha256/{}", hash(blob)), blob, 0o644)?;
        }
        tar.into_inner()?.flush()?;
        Ok(std::fs::metadata(archive)?.len())
    }

    fn config(&self, layer: &[u8]) -> Value {
        json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": [self.entrypoint], "User": self.user.unwrap_or_default(), "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", hash(layer))]},
        })
    }

    fn layer(&self) -> Result<Vec<u8>> {
        let mut tar = Builder::new(Vec::new());
        let mut folders = BTreeSet::new();
        for (source, path) in &self.files {
            add_tree(&mut tar, source, Path::new(path.trim_start_matches('/')), &mut folders)
                .with_context(|| format!("adding {} to {}", source.display(), self.name))?;
        }
        Ok(tar.into_inner()?)
    }
}

fn add_tree(tar: &mut Builder<Vec<u8>>, source: &Path, path: &Path, folders: &mut BTreeSet<PathBuf>) -> Result<()> {
    let parents: Vec<_> = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()).collect();
    for parent in parents.into_iter().rev() {
        if folders.insert(parent.to_path_buf()) {
            let mut header = header(0, 0o755);
            header.set_entry_type(EntryType::Directory);
            tar.append_data(&mut header, parent, &[][..])?;
        }
    }
    if source.is_dir() {
        let mut entries = std::fs::read_dir(source)?.collect::<std::io::Result<Vec<_>>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        return entries
            .iter()
            .try_for_each(|entry| add_tree(tar, &entry.path(), &path.join(entry.file_name()), folders));
    }
    let bytes = std::fs::read(source)?;
    // Samples are read-only text beside programs; 0755 for all keeps the layer independent of the checkout's umask.
    tar.append_data(&mut header(bytes.len(), 0o755), path, bytes.as_slice())?;
    Ok(())
}

fn header(size: usize, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_size(size as u64);
    header.set_mode(mode);
    header.set_mtime(0);
    header
}

fn add(tar: &mut Builder<File>, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
    Ok(tar.append_data(&mut header(bytes.len(), mode), name, bytes)?)
}

fn described(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": format!("sha256:{}", hash(bytes)), "size": bytes.len()})
}

fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    digest(&SHA256, bytes).as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The image of the operator, as the chart names it under [`REGISTRY`].
#[must_use]
pub fn operator_name() -> String {
    format!("{REGISTRY}/pillion:{}", env!("CARGO_PKG_VERSION"))
}

/// The image of the sidecar, as the chart names it under [`REGISTRY`].
#[must_use]
pub fn sidecar_name() -> String {
    format!("{REGISTRY}/pillion-sidecar:{}", env!("CARGO_PKG_VERSION"))
}

/// An image that was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// The archive.
    pub archive: PathBuf,
    /// The archive's size in bytes.
    pub bytes: u64,
}

/// What the cluster itself needs: pause and CoreDNS.
///
/// # Errors
/// When a program cannot be built.
pub fn of_the_cluster() -> Result<Vec<Written>> {
    let pause = build::go_program("pause")?;
    let coredns = tools::go_tool("coredns")?;
    write(&[Image::of(PAUSE, &pause, "/pause", Some(NOBODY)), Image::of(COREDNS, &coredns, "/coredns", None)])
}

/// The operator and the sidecar.
///
/// # Errors
/// When one does not compile.
pub fn of_the_product(optimised: Optimised) -> Result<Vec<Written>> {
    let programs = build::statically(optimised)?;
    let entry = |binary: Binary| format!("/{}", binary.name);
    write(&[
        Image::of(&operator_name(), &programs[0], &entry(OPERATOR), Some(NOBODY)),
        Image::of(&sidecar_name(), &programs[1], &entry(SIDECAR), Some(NOBODY)),
    ])
}

/// The recorded provider.
///
/// # Errors
/// When it does not compile.
pub fn of_the_provider() -> Result<Vec<Written>> {
    let programs = build::statically(Optimised::ForTests)?;
    let mut provider = Image::of(PROVIDER, &programs[2], "/recorded-provider", Some(NOBODY));
    provider.files.push((workspace::samples(), "/recorded".into()));
    // The whole folder is large; these two are what the server reads.
    for file in ["openai/openapi.json", "anthropic/openapi.yml"] {
        let source = workspace::specs().join(file);
        if source.is_file() {
            provider.files.push((source, format!("/specs/{file}")));
        }
    }
    write(&[provider])
}

/// The vendors' SDKs.
///
/// # Errors
/// When they do not compile.
pub fn of_the_clients() -> Result<Vec<Written>> {
    write(&[Image::of(SDKCHAT, &build::go_program("sdkchat")?, "/sdkchat", Some(NOBODY))])
}

/// The program that looks around in a pod.
///
/// # Errors
/// When it does not compile.
pub fn of_the_intruder() -> Result<Vec<Written>> {
    write(&[Image::of(INTRUDER, &build::go_program("intruder")?, "/intruder", Some(NOBODY))])
}

fn write(images: &[Image]) -> Result<Vec<Written>> {
    images
        .iter()
        .map(|image| {
            let stem = image.name.rsplit('/').next().unwrap_or_default().replace(':', "-");
            let archive = workspace::scratch().join("images").join(format!("{stem}.tar"));
            let bytes = image.write(&archive)?;
            Ok(Written { name: image.name.clone(), archive, bytes })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_files_make_equal_images() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, "program").unwrap();
        let image = Image::of("registry.test/a:1", &program, "/bin/program", Some(NOBODY));
        let write = |name: &str| {
            let archive = folder.path().join(name);
            image.write(&archive).unwrap();
            std::fs::read(archive).unwrap()
        };
        let (first, second) = (write("1.tar"), write("2.tar"));
        assert_eq!(first, second);
        let mut tar = tar::Archive::new(first.as_slice());
        let names: Vec<_> =
            tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect();
        assert_eq!(&names[..2], ["oci-layout", "index.json"]);
        assert_eq!(names.len(), 5);
    }
}
