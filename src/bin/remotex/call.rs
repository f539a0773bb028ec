//! `remotex call`: a function, called by its name.

use std::io::Read;

use remotex::{Function, Server, discovery};
use serde_json::{Map, Value};

use crate::args::{Call, Which};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(call: &Call) -> Result<(), Failure> {
    let (server, function) = find(&call.server, &call.function)?;
    let answer = arguments(call, &function).and_then(|it| make(server, &function, &it));
    output::say_json(&answer.map_err(|e| e.of_call(&function))?)
}

fn arguments(call: &Call, function: &Function) -> Result<Map<String, Value>, Failure> {
    match (&call.json, &*call.arguments) {
        (Some(text), _) => object(function, text),
        (None, [dash]) if dash == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|e| {
                Failure::Use(format!("the arguments cannot be read from stdin: {e}"))
            })?;
            object(function, &text)
        }
        (None, words) => by_name(function, words),
    }
}

/// Calls it, and returns its answer.
pub(crate) fn make(
    server: &'static Server,
    function: &Function,
    arguments: &Map<String, Value>,
) -> Result<Value, Failure> {
    let answer = server.call_json_of(function, arguments)?;
    answer.map_err(|raised| Failure::Raised {
        call: format!("`{}` on server `{}`", function.name, server.name()),
        raised,
    })
}

/// The server that runs, and its function.
pub(crate) fn find(which: &Which, function: &str) -> Result<(&'static Server, Function), Failure> {
    let server = discovery::server(&which.name, which.key.as_deref())?;
    let function = server.interface()?.function(function)?.clone();
    Ok((server, function))
}

/// Arguments as words `name=value`.
pub(crate) fn by_name(
    function: &Function,
    words: &[String],
) -> Result<Map<String, Value>, Failure> {
    let mut arguments = Map::new();
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            return Err(Failure::Use(format!(
                "`{word}` is no argument of `{}`: write NAME=VALUE{}",
                function.name,
                names(function)
            )));
        };
        if arguments
            .insert(name.to_owned(), function.value_of(name, value))
            .is_some()
        {
            return Err(Failure::Use(format!(
                "the argument `{name}` of `{}` is there twice",
                function.name
            )));
        }
    }
    Ok(arguments)
}

/// Arguments as a JSON object.
fn object(function: &Function, text: &str) -> Result<Map<String, Value>, Failure> {
    let wrong = |why: String| {
        let (name, names) = (&function.name, names(function));
        Failure::Use(format!(
            "the arguments of `{name}` are to be a JSON object{names}; {why}"
        ))
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(other) => Err(wrong(format!("this is {other}"))),
        Err(e) => Err(wrong(format!("this is no JSON: {e}"))),
    }
}

/// What its arguments are called, in words that follow what is to be written.
fn names(function: &Function) -> String {
    let names: Vec<_> = function.arguments.iter().map(|(name, _)| &**name).collect();
    match *names {
        [] => "; it has none".into(),
        _ => format!(" with `{}`", names.join("`, `")),
    }
}
