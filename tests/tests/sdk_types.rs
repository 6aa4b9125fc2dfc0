//! Everything that the translators emit over the recorded cases, read by the vendors' own SDKs: bodies by their types, streams and
//! errors by their clients too.

use anyhow::Result;
use pillion_tests::apiserver::fresh_folder;
use pillion_tests::sdk;

#[test]
fn the_vendors_sdks_read_all_that_the_translators_emit() -> Result<()> {
    let folder = fresh_folder("sdk-types")?;
    println!("{}", sdk::read_emitted(&folder)?);
    Ok(std::fs::remove_dir_all(folder)?)
}
