//! Whose turn it is on a connection, and how long it may take: nobody keeps a place of which nothing comes.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

use crate::link::PATIENCE;

/// How long a client may take to read anything of what is written to it.
const UNREAD: Duration = Duration::from_secs(30);

/// What is waited for on a connection.
#[derive(Debug)]
pub(super) struct Turn(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Until when the head of the next request must have come; `None` while one is being answered.
    head: Option<Instant>,
    /// Whether nothing of it has come yet.
    is_idle: bool,
    /// For how long nothing of it may come, once all of the response before it has gone.
    patience: Duration,
    /// Until when the client must have read something, if there is no room for more.
    unread: Option<Instant>,
    /// Until when the client must have shown the token, unless it has; nothing else that it sends
    /// prolongs this.
    token: Option<Instant>,
}

impl Turn {
    /// A client must have shown the token by `deadline`.
    pub(super) fn until(deadline: Instant) -> Self {
        Self(Mutex::new(State {
            head: None,
            is_idle: false,
            patience: PATIENCE,
            unread: None,
            token: Some(deadline),
        }))
    }

    /// The client has shown the token.
    pub(super) fn is_shown(&self) {
        self.0.lock().token = None;
    }

    /// The head of a request has come: it is our turn.
    pub(super) fn begin(&self) {
        self.0.lock().head = None;
    }

    /// It was answered, and the next one must begin within `patience`.
    pub(super) fn end(&self, patience: Duration) {
        let mut state = self.0.lock();
        state.head = Some(Instant::now() + patience);
        state.is_idle = true;
        state.patience = patience;
    }

    fn is_written(&self, written: &Poll<io::Result<usize>>) {
        self.is_read(written.is_ready());
        let mut state = self.0.lock();
        // Who reads a response slowly, but does, is not taken for idle.
        if written.is_ready() && state.is_idle && state.head.is_some() {
            state.head = Some(Instant::now() + state.patience);
        }
    }

    fn has_come(&self) {
        let mut state = self.0.lock();
        if state.is_idle && state.head.is_some() {
            state.head = Some(Instant::now() + PATIENCE);
            state.is_idle = false;
        }
    }

    fn is_read(&self, is_read: bool) {
        let unread = &mut self.0.lock().unread;
        if is_read {
            *unread = None;
        } else {
            unread.get_or_insert_with(|| Instant::now() + UNREAD);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let state = self.0.lock();
        let State {
            head,
            unread,
            token,
            ..
        } = *state;
        [head, unread, token].into_iter().flatten().min()
    }

    /// What comes of a connection; `None` if its client took too long.
    pub(super) async fn keeps<T>(&self, connection: impl Future<Output = T>) -> Option<T> {
        let mut connection = pin!(connection);
        let mut sleep = pin!(sleep_until(Instant::now()));
        poll_fn(|context| {
            // Whatever changes whose turn it is happens in here.
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                return Poll::Ready(Some(ended));
            }
            let Some(until) = self.deadline() else {
                return Poll::Pending;
            };
            if sleep.deadline() != until {
                sleep.as_mut().reset(until);
            }
            sleep.as_mut().poll(context).map(|()| None)
        })
        .await
    }
}

/// A socket on which it is seen what comes and goes.
pub(super) struct Watched<S> {
    socket: S,
    turn: Arc<Turn>,
}

impl<S> Watched<S> {
    pub(super) fn new(socket: S, turn: Arc<Turn>) -> Self {
        Self { socket, turn }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.turn.has_come();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.turn.is_written(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(context);
        self.turn.is_read(flushed.is_ready());
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, parts);
        self.turn.is_written(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}
