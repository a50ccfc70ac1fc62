//! A new release reaches every public install at once, as it is looked at; here each is carried to it, and the news of it goes out
//! (contract 13.7). What is interrupted goes on after the restart.

use std::sync::Arc;

use cholla_domain::id::AppId;
use cholla_domain::installs::carry;
use cholla_domain::limits::ROLLOUT_STEP_INSTALLS;

use crate::keeper::{KeepError, Keeper};

/// Carries every install that is behind.
///
/// # Errors
/// When the directory cannot be changed: to be tried again.
pub(crate) async fn round(keeper: &Arc<Keeper>) -> Result<(), KeepError> {
    let behind: Vec<AppId> = {
        let directory = keeper.read();
        let is_behind = |app: &&cholla_domain::directory::app::App| {
            app.releases.len() > 1 || directory.installs_behind(&app.id).next().is_some()
        };
        directory.apps().filter(is_behind).map(|app| app.id.clone()).collect()
    };
    for app in behind {
        loop {
            let id = app.clone();
            let carried = keeper.decide(keeper.unasked(), move |ctx| carry(ctx, &id, ROLLOUT_STEP_INSTALLS)).await?;
            if carried < ROLLOUT_STEP_INSTALLS {
                break;
            }
        }
    }
    Ok(())
}
