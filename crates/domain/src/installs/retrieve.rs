//! Retrieve: one install (contract 10.3).

use super::{InstallError, Party, Right, view};
use crate::directory::access::InstallCaller;
use crate::directory::install::InstallView;
use crate::directory::state::Directory;

/// The install of that id, whatever the client sent as one.
///
/// # Errors
/// 18.12, 18.1.
pub fn retrieve(directory: &Directory, caller: &InstallCaller, id: &str) -> Result<InstallView, InstallError> {
    let install = Party::of(caller, Right::Read)?.visible(directory, id)?;
    Ok(view(directory, install))
}
