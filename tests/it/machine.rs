//! Another machine, as far as ssh can tell: a real `sshd` on this one.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Home, Running, free_port, program_path, stdout};

/// A machine to which ssh leads, with a key made for it, and a home of its own for its servers.
pub(crate) struct Machine {
    pub(crate) here: Home,
    pub(crate) there: Home,
    port: u16,
    _sshd: Running,
}

/// Makes a key without a password.
fn make_key(path: &str) -> bool {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-f", path]);
    keygen.status().is_ok_and(|status| status.success())
}

impl Machine {
    /// `None` where there is no sshd.
    pub(crate) fn new() -> Option<Self> {
        let (here, there) = (Home::new(), Home::new());
        let file = |name: &str| here.path(name).display().to_string();
        for key in ["host", "user", "stranger"] {
            if !make_key(&file(key)) {
                eprintln!("left out, for want of `ssh-keygen`");
                return None;
            }
        }
        fs::copy(file("user.pub"), file("authorized")).unwrap();
        let port = free_port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nSetEnv {}\n",
            file("host"),
            file("authorized"),
            environment(&there),
        );
        fs::write(file("sshd"), config).unwrap();
        if rustix::process::geteuid().is_root() {
            // Where sshd gives up what it is allowed; it does not make it itself.
            let _ = fs::create_dir_all("/run/sshd");
        }
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.args(["-D", "-e", "-f", &file("sshd")])
            .stdin(Stdio::null())
            .stderr(Stdio::piped());
        let mut sshd = match sshd.spawn() {
            Ok(sshd) => sshd,
            Err(e) => {
                eprintln!("left out, for want of `sshd`: {e}");
                return None;
            }
        };
        let said = BufReader::new(sshd.stderr.take().unwrap());
        let sshd = Running::of(sshd);
        let mut lines = said.lines().map(Result::unwrap);
        assert!(
            lines.any(|line| line.contains("Server listening")),
            "sshd does not start"
        );
        // What it goes on to say must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        let known = fs::read_to_string(file("host.pub")).unwrap();
        fs::write(file("known"), format!("[127.0.0.1]:{port} {known}")).unwrap();
        let machine = Self {
            here,
            there,
            port,
            _sshd: sshd,
        };
        machine.use_key("user");
        Some(machine)
    }

    /// Has ssh use that key: what remotex finds is a script that says so to the real one.
    pub(crate) fn use_key(&self, key: &str) {
        self.use_key_at(key, self.port);
    }

    /// Has ssh look for the machine where nothing listens.
    pub(crate) fn lose(&self) {
        self.use_key_at("user", free_port());
    }

    fn use_key_at(&self, key: &str, port: u16) {
        let file = |name: &str| self.here.path(name).display().to_string();
        let bin = self.here.path("bin");
        fs::create_dir_all(&bin).unwrap();
        let script = format!(
            "#!/bin/sh\nexec /usr/bin/ssh -F /dev/null -p {} -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={} \"$@\"\n",
            port,
            file(key),
            file("known"),
        );
        // At once, since one may be run just now; and by another process, since a child that is begun
        // meanwhile would have it open for writing, and the kernel runs no such file.
        let write = r#"printf %s "$1" > new; chmod 755 new; mv new ssh"#;
        let mut shell = Command::new("sh");
        shell.args(["-euc", write, "sh", &script]).current_dir(&bin);
        assert!(shell.status().unwrap().success());
    }

    /// An example here whose server is there.
    pub(crate) fn command(&self, program: &str, server: &str) -> Command {
        self.run(&program_path(program), server)
    }

    /// Any program in the same way.
    pub(crate) fn run(&self, program: &Path, server: &str) -> Command {
        let mut command = self.here.any(program);
        let address = format!("ssh://127.0.0.1/{}", program.display());
        command.env(format!("REMOTEX_{}", server.to_uppercase()), address);
        command.env(
            "PATH",
            format!("{}:/usr/bin:/bin", self.here.path("bin").display()),
        );
        command
    }

    pub(crate) fn zoo(&self, words: &[&str]) -> String {
        stdout(&self.command("zoo", "zoo").args(words).output().unwrap())
    }
}

/// The variables of a home, as sshd sets them.
fn environment(home: &Home) -> String {
    let command = home.any("true");
    let set = command.get_envs();
    let is_kept = |name: &str| name.starts_with("XDG_") || name.starts_with("REMOTEX_testing");
    let kept = set.filter(|(name, _)| is_kept(&name.to_string_lossy()));
    let each = kept.map(|(name, value)| format!("{}={}", name.display(), value.unwrap().display()));
    each.collect::<Vec<_>>().join(" ")
}
