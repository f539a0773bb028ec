use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;

use super::{There, connect, give_token, variable};
use crate::support::{Home, Running, await_that, begin, free_port, kill, printed, stderr, stdout};

/// A real nginx, with what stands within `http` of its configuration; `None` where there is none.
fn nginx(home: &Home, port: u16, config: &str) -> Option<Running> {
    let file = |name: &str| home.path(name).display().to_string();
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders = folders.map(|name| format!("{name}_temp_path {};\n", file(name)));
    let config = format!(
        "worker_processes 1;\npid {};\nerror_log {};\nevents {{}}\nhttp {{\naccess_log off;\n{}{config}}}\n",
        file("nginx.pid"),
        file("nginx.log"),
        folders.concat(),
    );
    fs::write(file("nginx.conf"), config).unwrap();
    let mut nginx = home.any("/usr/sbin/nginx");
    nginx
        .args([
            "-c",
            &file("nginx.conf"),
            "-p",
            &file(""),
            "-e",
            &file("nginx.log"),
        ])
        // A worker that gets SIGKILL with its master would stay; as the master, it is all that there is.
        .args(["-g", "daemon off; master_process off;"])
        .stderr(Stdio::null());
    match nginx.spawn() {
        Err(e) => {
            eprintln!("left out, for want of `nginx`: {e}");
            None
        }
        Ok(child) => {
            let running = Running::of(child);
            await_that(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
            Some(running)
        }
    }
}

/// Every call of busy threads has ended, what was answered has run, and nothing has run twice. Returns how
/// many were answered, and how many were not.
pub(super) fn assert_once(file: &Path, threads: usize, calls: usize, said: &str) -> [usize; 2] {
    let numbers = said.trim_matches(['(', ')']).split(", ");
    let numbers: Vec<usize> = numbers.map(|number| number.parse().expect(said)).collect();
    let [answered, lost] = numbers[..] else {
        panic!("{said}")
    };
    assert_eq!(answered + lost, threads * calls, "every call has ended");
    let text = fs::read_to_string(file).unwrap();
    let once: HashSet<_> = text.lines().collect();
    assert_eq!(once.len(), text.lines().count(), "nothing has run twice");
    for thread in 0..threads {
        let list = fs::read_to_string(file.with_extension(format!("answered-{thread}"))).unwrap();
        for id in list.lines() {
            assert!(once.contains(id), "{id} was answered and has not run");
        }
    }
    [answered, lost]
}

#[test]
fn a_board_behind_nginx_has_a_path_before_its_own() {
    let (there, here) = (Home::new(), Home::new());
    let [port, proxy] = [free_port(), free_port()];
    let config = format!(
        "server {{ listen 127.0.0.1:{proxy}; client_max_body_size 20k;\n\
         location /board/ {{ proxy_pass http://127.0.0.1:{port}/; }} }}\n"
    );
    let Some(_nginx) = nginx(&here, proxy, &config) else {
        return;
    };
    let board = |home: &Home, at: &str, words: &[&str]| {
        let mut command = home.command("bboard");
        command.args(words).env("REMOTEX_BBOARD", at);
        command.output().unwrap()
    };
    let direct = format!("http://127.0.0.1:{port}");
    let posted = board(&there, &direct, &["direct"]);
    assert!(posted.status.success(), "{}", stderr(&posted));
    give_token(&here, "bboard", &super::token(&there, "bboard"));
    for at in ["/board", "/board/"] {
        let at = format!("http://127.0.0.1:{proxy}{at}");
        let posted = board(&here, &at, &["through nginx"]);
        assert!(posted.status.success(), "{}", stderr(&posted));
        assert!(stdout(&board(&here, &at, &[])).ends_with(": through nginx"));
        let mut status = here.remotex(&["status", "bboard", "--json"]);
        let status = stdout(&status.env("REMOTEX_BBOARD", &at).output().unwrap());
        assert!(status.contains(&there.servers()[0].to_string()), "{status}");
    }
    let at = format!("http://127.0.0.1:{proxy}/board");
    let refused = stderr(&board(&here, &at, &[&"long ".repeat(5000)]));
    assert!(
        refused.contains("does not let ") && refused.contains("raise its limit"),
        "{refused}"
    );
    let elsewhere = format!("http://127.0.0.1:{proxy}/elsewhere");
    let refused = stderr(&board(&here, &elsewhere, &[]));
    assert!(
        refused.contains("is no remotex server: it answers `404 Not Found`"),
        "{refused}"
    );
    let stopped = board(&here, &at, &["--stop"]);
    assert!(stopped.status.success(), "{}", stderr(&stopped));
    await_that(|| there.servers().is_empty());
    assert!(here.servers().is_empty());
}

#[test]
fn one_of_two_servers_behind_nginx_is_killed_and_nothing_runs_twice() {
    let servers = [There::not_yet("zoo"), There::not_yet("zoo")];
    let [first, second] = &servers;
    first.start();
    // Both let in who knows the same token.
    give_token(&second.there, "zoo", &first.token());
    second.start();
    let proxy = free_port();
    let config = format!(
        "upstream both {{ server 127.0.0.1:{}; server 127.0.0.1:{}; keepalive 8; }}\n\
         server {{ listen 127.0.0.1:{proxy}; location / {{\n\
         proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_pass http://both; }} }}\n",
        first.port, second.port
    );
    let Some(_nginx) = nginx(&first.here, proxy, &config) else {
        return;
    };
    let file = first.here.path("runs");
    let mut busy = first
        .here
        .zoo(&["busy", "8", "200", file.to_str().unwrap()]);
    busy.env(variable("zoo"), format!("http://127.0.0.1:{proxy}"));
    let busy = begin(&mut busy);
    let count = || {
        fs::read_to_string(&file)
            .unwrap_or_default()
            .lines()
            .count()
    };
    await_that(|| count() > 400);
    // Both of them had some of it.
    for server in &servers {
        let calls = server.get("/status").json()["calls"].as_u64().unwrap();
        assert!(calls > 50, "{calls}");
    }
    kill(second.there.servers()[0].try_into().unwrap(), Signal::KILL);
    let [answered, lost] = assert_once(&file, 8, 200, &printed(busy));
    assert!(answered > lost, "{answered} {lost}");
    drop(connect(first.port));
    first.answers();
}
