//! The tests of remotex as its users meet it: programs, processes, sockets.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

/// A private home for servers, and programs that run in it.
mod support;

/// What a client finds: arguments, answers, errors, limits.
mod calls;
/// How servers come and go.
mod lifecycle;
/// What is spoken wrongly, to servers and to clients.
mod bytes;
/// The examples do what their first lines say.
mod examples;
/// Functions of a library whose program names nothing but the server.
mod elsewhere;
/// What the compiler says of mistakes.
mod ui;
/// The rules of the source itself.
mod tidy;
