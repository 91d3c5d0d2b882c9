//! Takes connections, whatever happens.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// How long a server waits that has no file descriptor left.
const PAUSE: Duration = Duration::from_millis(20);

/// The next connection. Where one cannot be taken, for example because this
/// process has too many files open, it is tried again in a moment.
pub(crate) async fn next_connection(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(_) => sleep(PAUSE).await,
        }
    }
}
