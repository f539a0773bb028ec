//! The tests of remotex as its users meet it: programs, processes, sockets.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

/// A private home for servers, and programs that run in it.
mod support;
/// Another machine, as far as ssh can tell.
mod machine;

/// What a client finds: arguments, answers, errors, limits.
mod calls;
/// How servers come to be, and what they are then.
mod lifecycle;
/// How they end, and what their callers see of it.
mod ending;
/// Signals and terminals that end servers, and what still works then.
mod hangups;
/// Starts that fail, or wait for themselves.
mod starts;
/// Calls, servers and children that do not answer.
mod hanging;
/// Two builds of a program, and two programs of one name.
mod identity;
/// Programs that have servers of their own.
mod saving;
mod scopes;
/// Types that serde does not show, or that do not write what they read.
mod types;
/// Kills at every step of a server's life.
mod kills;
/// Clients that live on while their server does not.
mod staying;
/// More connections than threads, and more calls.
mod crowds;
/// Calls that are made inside remote functions.
mod nesting;
/// Files that are removed, full, or not there.
mod files;
/// Where a function runs, for how long, and for whom.
mod placement;
/// The files and the mask of a caller, as a remote function sees them.
mod caller;
/// What stays in the server, and who holds it.
mod holding;
/// Hooks, and the details of failures.
mod hooks;
/// What a server says that it offers.
mod offers;
/// The command `remotex`.
mod command;
/// The output of the command and of clients on a terminal.
mod terminals;
/// Servers started, stopped, followed and measured by it.
mod care;
/// What it says of servers with which something is wrong.
mod doctor;
/// What shells complete.
mod completion;
/// Servers to which ssh leads.
mod far;
/// Servers that are the children of their clients.
mod child;
/// Servers that are met over a network.
mod network;
/// A browser, and
mod browser;
/// the page that servers show in it.
mod page;
/// Servers that systemd starts.
mod manager;
/// What is spoken wrongly, to servers and to clients.
mod bytes;
/// Calls with numbers, which run once.
mod numbers;
/// The messages that the protocol's page shows are those that are spoken.
mod protocol;
/// Servers that are asked over HTTP.
mod http;
/// What the command lists.
mod listing;
/// The client in Python, with the Python of this machine.
mod python;
/// The examples do what their first lines say.
mod examples;
/// Functions of a library whose program names nothing but the server.
mod elsewhere;
/// The rules of the source itself.
mod tidy;
