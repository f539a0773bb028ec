//! Servers under a service manager: the real `systemd-socket-activate`, and its protocol.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Home, Running, await_that, free_port, kill, program_path, stdout};

/// Listens for the zoo at its socket, and starts it with the first connection; `None` where there is
/// no systemd.
fn activator(home: &Home, socket: &str, more: &[(&str, String)]) -> Option<Running> {
    activate(home, socket, &["serve"], home.path("").as_path(), more)
}

/// The same, for what the zoo does with `words` in `directory`.
fn activate(
    home: &Home,
    socket: &str,
    words: &[&str],
    directory: &Path,
    more: &[(&str, String)],
) -> Option<Running> {
    let folder = home.path("run/remotex");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let socket = folder.join(socket);
    let server = activate_at(home, socket.to_str().unwrap(), words, directory, more)?;
    await_that(|| is_listening(&socket));
    Some(server)
}

/// The same, at a path or at a port.
fn activate_at(
    home: &Home,
    at: &str,
    words: &[&str],
    directory: &Path,
    more: &[(&str, String)],
) -> Option<Running> {
    let command = home.zoo(words);
    let mut activator = Command::new("systemd-socket-activate");
    activator.args(["-l", at]);
    let set = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned())));
    let more = more
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    for (name, value) in set.chain(more) {
        activator.arg("-E").arg(format!("{name}={value}"));
    }
    activator
        .arg(program_path("zoo"))
        .args(words)
        .current_dir(directory)
        .stdin(Stdio::null());
    match activator
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    {
        Ok(child) => Some(Running::of(child)),
        Err(e) => {
            eprintln!("left out, for want of `systemd-socket-activate`: {e}");
            None
        }
    }
}

/// Whether somebody listens there, asked without a connection.
fn is_listening(socket: &Path) -> bool {
    const ACCEPTS: &str = "00010000";
    let sockets = fs::read_to_string("/proc/net/unix").unwrap();
    let path = socket.to_str().unwrap();
    sockets
        .lines()
        .any(|line| line.ends_with(path) && line.split_whitespace().nth(3) == Some(ACCEPTS))
}

/// Whether a process listens at a port of this machine, asked in the same way.
fn is_listening_at(port: u16) -> bool {
    const LISTENS: &str = "0A";
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!("0100007F:{port:04X}");
    let mut lines = sockets
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.any(|line| line.get(1) == Some(&&*local) && line.get(3) == Some(&LISTENS))
}

/// A socket of a manager that waits for notices.
fn notified(home: &Home) -> (UnixDatagram, (&'static str, String)) {
    let path = home.path("notify");
    let notified = UnixDatagram::bind(&path).unwrap();
    let patience = Some(Duration::from_secs(20));
    notified.set_read_timeout(patience).unwrap();
    (notified, ("NOTIFY_SOCKET", path.display().to_string()))
}

/// What the manager is told next.
fn notice(manager: &UnixDatagram) -> String {
    let mut words = [0; 100];
    loop {
        match manager.recv(&mut words) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            received => return String::from_utf8_lossy(&words[..received.unwrap()]).into_owned(),
        }
    }
}

#[test]
fn a_server_takes_the_socket_that_systemd_listens_on() {
    let home = Home::new();
    let (notified, variable) = notified(&home);
    let Some(server) = activator(&home, "zoo.sock", &[variable]) else {
        return;
    };
    let file = fs::metadata(home.socket("zoo")).unwrap();
    let pid = home.run_zoo(&["pid"]);
    assert_eq!(
        pid,
        server.pid().to_string(),
        "it becomes the server itself"
    );
    let told = || notice(&notified);
    assert_eq!(told(), "READY=1");
    let calls = home.stampede(10, || home.zoo(&["pid"]));
    assert!(calls.iter().all(|said| *said == pid), "{calls:?}");
    // Nobody else serves it beside.
    let said = stdout(&home.zoo(&["serve"]).output().unwrap());
    assert!(said.contains("serves it already"), "{said}");
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    assert_eq!(told(), "STOPPING=1");
    let output = server.output();
    assert!(output.status.success(), "{output:?}");
    // The socket is systemd's, and stays.
    use std::os::unix::fs::MetadataExt;
    assert_eq!(fs::metadata(home.socket("zoo")).unwrap().ino(), file.ino());
}

#[test]
fn to_ask_and_to_stop_start_nothing_where_systemd_listens() {
    let home = Home::new();
    let Some(server) = activator(&home, "zoo.sock", &[]) else {
        return;
    };
    for _ in 0..3 {
        assert!(home.run_zoo(&["status", "zoo"]).contains("it does not run"));
        assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    }
    let waiting = fs::read_link(format!("/proc/{}/exe", server.pid())).unwrap();
    assert!(waiting.ends_with("systemd-socket-activate"), "{waiting:?}");
    assert_eq!(home.run_zoo(&["pid"]), server.pid().to_string());
}

#[test]
fn a_socket_that_is_meant_for_somebody_else_is_left_alone() {
    let home = Home::new();
    let Some(server) = activator(&home, "other.sock", &[]) else {
        return;
    };
    let theirs = crate::support::connect(&home.path("run/remotex/other.sock"));
    await_that(|| home.run_zoo(&["status", "zoo"]).starts_with('('));
    assert_eq!(home.run_zoo(&["pid"]), server.pid().to_string());
    // It is still there for whoever accepts on it.
    drop(theirs);
    drop(crate::support::connect(
        &home.path("run/remotex/other.sock"),
    ));
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
    let told = crate::support::stderr(&server.output());
    assert!(
        told.contains("other.sock`, which the server at `"),
        "{told}"
    );
}

#[test]
fn a_server_takes_the_port_that_systemd_listens_on() {
    let home = Home::new();
    // The token must be there before the server that would make it runs.
    home.run_remotex(&["keys", "init", "zoo"]);
    let port = free_port();
    let at = format!("127.0.0.1:{port}");
    let address = ("REMOTEX_ZOO", format!("tcp://{at}"));
    let Some(server) = activate_at(
        &home,
        &at,
        &["serve"],
        home.path("").as_path(),
        std::slice::from_ref(&address),
    ) else {
        return;
    };
    await_that(|| is_listening_at(port));
    let zoo = |words: &[&str]| {
        let output = home.zoo(words).env(address.0, &address.1).output().unwrap();
        stdout(&output)
    };
    assert_eq!(zoo(&["pid"]), server.pid().to_string());
    assert_eq!(zoo(&["echo", "x"]), "\"x\"");
    assert_eq!(zoo(&["stop", "zoo"]), "()");
    assert!(server.output().status.success());
}

#[test]
fn a_port_that_is_not_the_servers_address_is_left_to_the_program() {
    let home = Home::new();
    home.run_remotex(&["keys", "init", "zoo"]);
    for own in [None, Some(free_port())] {
        let port = free_port();
        let at = format!("127.0.0.1:{port}");
        let address = own.map_or_else(String::new, |own| format!("tcp://127.0.0.1:{own}"));
        let address = ("REMOTEX_ZOO", address);
        let folder = home.path("");
        let given = std::slice::from_ref(&address);
        let Some(server) = activate_at(&home, &at, &["serve"], &folder, given) else {
            return;
        };
        await_that(|| is_listening_at(port));
        let theirs = std::net::TcpStream::connect(&at).unwrap();
        let zoo = |words: &[&str]| {
            let output = home.zoo(words).env(address.0, &address.1).output().unwrap();
            stdout(&output)
        };
        await_that(|| zoo(&["status", "zoo"]).starts_with('('));
        assert_eq!(zoo(&["pid"]), server.pid().to_string());
        drop(theirs);
        assert_eq!(zoo(&["stop", "zoo"]), "()");
        let told = crate::support::stderr(&server.output());
        assert!(
            told.contains(&at) && told.contains("make the two addresses the same"),
            "{told}"
        );
    }
}

#[test]
fn a_manager_that_watches_hears_that_its_server_is_well() {
    let home = Home::new();
    let (notified, (name, path)) = notified(&home);
    let mut serve = home.zoo(&["serve"]);
    serve.env(name, path).env("WATCHDOG_USEC", "200000");
    let server = Running::of(serve.stdout(Stdio::null()).spawn().unwrap());
    assert_eq!(notice(&notified), "READY=1");
    for _ in 0..3 {
        assert_eq!(notice(&notified), "WATCHDOG=1");
    }
    kill(server.pid(), rustix::process::Signal::TERM);
    let mut told = notice(&notified);
    while told == "WATCHDOG=1" {
        told = notice(&notified);
    }
    assert_eq!(told, "STOPPING=1");
}

#[test]
fn a_manager_that_does_not_read_is_not_waited_for() {
    let home = Home::new();
    let (_notified, (name, path)) = notified(&home);
    let filler = UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    while filler.send_to(b"x", &path).is_ok() {}
    let mut serve = home.zoo(&["serve"]);
    let server = serve.env(name, path).stdout(Stdio::piped()).spawn();
    let server = Running::of(server.unwrap());
    await_that(|| home.run_zoo(&["status", "zoo"]).starts_with('('));
    kill(server.pid(), rustix::process::Signal::TERM);
    assert!(server.output().status.success());
}

#[test]
fn a_notice_reaches_a_name_that_is_no_file() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    let home = Home::new();
    let name = format!("remotex-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let notified = UnixDatagram::bind_addr(&address).unwrap();
    notified
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut serve = home.zoo(&["serve"]);
    let server = serve
        .env("NOTIFY_SOCKET", format!("@{name}"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let server = Running::of(server);
    assert_eq!(notice(&notified), "READY=1");
    kill(server.pid(), rustix::process::Signal::TERM);
    assert_eq!(notice(&notified), "STOPPING=1");
}

/// A server that systemd starts for a folder, whose name has all that units write otherwise.
#[test]
fn a_unit_that_the_command_writes_is_accepted_and_serves_its_key() {
    let home = Home::new();
    let folder = home.path("a 50% \"$HOME\" é");
    fs::create_dir(&folder).unwrap();
    let key = folder.to_str().unwrap();
    let call = || stdout(&home.zoo(&["folder"]).current_dir(&folder).output().unwrap());
    call();
    home.run_remotex(&["stop", "folders", "--key", key]);
    let words = ["unit", "folders", "--key", key, "--write", "--json"];
    let unit: Value = serde_json::from_str(&home.run_remotex(&words)).unwrap();
    let text = |field: &str| unit[field].as_str().unwrap().to_owned();
    let paths = [text("socket_path"), text("service_path")];
    assert_eq!(fs::read_to_string(&paths[0]).unwrap(), text("socket"));
    let mut verify = home.any("systemd-analyze");
    match verify.args(["--user", "verify"]).args(&paths).output() {
        Ok(output) => {
            let said = crate::support::stderr(&output);
            assert!(
                output.status.success() && !said.contains("folders"),
                "{said}"
            );
        }
        Err(e) => return eprintln!("left out, for want of `systemd-analyze`: {e}"),
    }
    let setting = |unit: &str, name: &str| {
        let lines = text(unit);
        let mut lines = lines.lines();
        let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap().replace("%%", "%")
    };
    let told = setting("service", "Environment").replace("\\\"", "\"");
    let told = told.replace("\\xc3\\xa9", "é");
    let (name, value) = (
        "_REMOTEX_RELAY=listen:folders",
        format!("_REMOTEX_RELAY_KEY={key}"),
    );
    assert_eq!(told, format!("\"{name}\" \"{value}\""));
    let socket = setting("socket", "ListenStream");
    let socket = Path::new(&socket).file_name().unwrap().to_str().unwrap();
    let told = [
        ("_REMOTEX_RELAY", "listen:folders".to_owned()),
        ("_REMOTEX_RELAY_KEY", key.to_owned()),
    ];
    let Some(server) = activate(&home, socket, &[], Path::new("/"), &told) else {
        return;
    };
    let answer = call();
    assert_eq!(answer, format!("({}, {key:?})", server.pid()));
}

#[test]
fn a_unit_of_a_program_that_serves_by_hand_repeats_its_arguments() {
    let home = Home::new();
    drop(home.serve(&["without-init-serve"], "zoo"));
    let unit = home.run_remotex(&["unit", "zoo"]);
    let command = format!(
        "ExecStart=\"{}\" \"without-init-serve\"\n",
        program_path("zoo").display()
    );
    assert!(unit.contains(&command), "{unit}");
    let (code, said) = home.refusal(&["unit", "unknown"]);
    assert!(
        code == 3 && said.contains("there is none of that name"),
        "{said}"
    );
}

#[test]
fn a_unit_of_another_key_is_told() {
    let home = Home::new();
    let [its, other] = ["its", "other"].map(|name| home.path(name));
    for folder in [&its, &other] {
        fs::create_dir(folder).unwrap();
        home.zoo(&["folder"]).current_dir(folder).output().unwrap();
        let key = folder.to_str().unwrap();
        home.run_remotex(&["stop", "folders", "--key", key]);
    }
    let words = ["unit", "folders", "--key", its.to_str().unwrap(), "--json"];
    let unit: Value = serde_json::from_str(&home.run_remotex(&words)).unwrap();
    let socket = format!("{}.sock", unit["name"].as_str().unwrap().replace('-', "@"));
    let words = ["serve", "folders"];
    let Some(server) = activate(&home, &socket, &words, &other, &[]) else {
        return;
    };
    // The manager starts it with the first call, and it refuses.
    home.zoo(&["folder"]).current_dir(&its).output().unwrap();
    let said = stdout(&server.output());
    let expected = format!(
        "server `folders`: its service manager listens at `{}`, and this process serves for `{}` at `",
        home.path("run/remotex").join(&socket).display(),
        other.display()
    );
    assert!(said.contains(&expected), "{said}");
    assert!(
        said.ends_with("write the unit anew with `remotex unit folders`"),
        "{said}"
    );
}
