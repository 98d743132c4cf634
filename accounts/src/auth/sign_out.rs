//! Ends the session of a refresh token. A token that is unknown has no session to end, which is as good.

use brokle_storage::repo::StorageError;

use crate::context::Context;
use crate::notices::Changed;
use crate::token::RefreshSecret;

pub(crate) async fn sign_out(context: &Context, token: Option<RefreshSecret>) -> Result<(), StorageError> {
    let Some(token) = token else { return Ok(()) };
    if let Some(session) = context.store.find_session_of_token(token.hash()).await? {
        context.store.revoke_session(session.id, context.now()).await?;
        context.changed(Changed::Sessions).await;
    }
    Ok(())
}
