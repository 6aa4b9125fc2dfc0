//! Builds the container images.

use anyhow::Result;
use pillion_tests::build::Optimised;
use pillion_tests::images;

/// Builds every image as an OCI archive and says where it is and how large.
pub(crate) fn build(release: bool) -> Result<()> {
    let optimised = if release { Optimised::Release } else { Optimised::ForTests };
    println!("building static programs (minutes, when cold)");
    for image in images::of_the_product(optimised)? {
        #[allow(clippy::cast_precision_loss, reason = "a size for people, in MiB with one digit")]
        let mebibytes = image.bytes as f64 / f64::from(1 << 20);
        println!("{}  {mebibytes:.1} MiB  {}", image.name, image.archive.display());
    }
    println!("import them with: ctr --namespace k8s.io images import FILE, or: docker load --input FILE");
    Ok(())
}
