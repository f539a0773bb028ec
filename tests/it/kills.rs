//! `kill -9` at every step of a server's start and of its end, and what is found afterwards.

use remotex::testing::{STEPS, kill_at};

use crate::support::{Home, await_that, is_alive, printed, stdout};

/// Ten calls at once find or start one server, which answers all of them.
fn all_is_well(home: &Home, after: &str) {
    // Whoever was killed may not be gone yet, which is no second server.
    let answers = home.stampede(10, || home.zoo(&["pid"]));
    let pid = &answers[0];
    assert!(pid.parse::<u32>().is_ok(), "{after}: {answers:?}");
    assert!(
        answers.iter().all(|answer| answer == pid),
        "{after}: {answers:?}"
    );
    assert_eq!(home.run_zoo(&["stop", "zoo"]), "()", "{after}");
    assert!(home.servers().is_empty(), "{after}");
    assert!(!home.socket("zoo").exists(), "{after}");
}

#[test]
fn a_kill_at_any_step_of_a_start_is_no_obstacle() {
    for step in STEPS.iter().filter(|step| !step.starts_with("end:")) {
        let home = Home::new();
        let output = kill_at(&mut home.zoo(&["pid"]), step).output().unwrap();
        let said = stdout(&output);
        match *step {
            step if step.starts_with("start:") => {
                assert_eq!(output.status.code(), None, "{step}: {output:?}");
            }
            "server: init" => assert!(said.contains("before it reached"), "{step}: {said}"),
            _ => assert!(said.contains("ended while it started"), "{step}: {said}"),
        }
        await_that(|| home.servers().len() <= 1);
        all_is_well(&home, step);
    }
}

#[test]
fn a_kill_at_any_step_of_an_end_is_no_obstacle() {
    for step in STEPS.iter().filter(|step| step.starts_with("end:")) {
        let home = Home::new();
        let output = kill_at(&mut home.zoo(&["pid"]), step).output().unwrap();
        let pid = stdout(&output);
        assert_eq!(home.servers().len(), 1, "{step}: {pid}");
        // Those that call meanwhile are served as well.
        let callers: Vec<_> = (0..4).map(|_| home.begin_zoo(&["pid"])).collect();
        assert_eq!(home.run_zoo(&["stop", "zoo"]), "()", "{step}");
        for caller in callers {
            let said = printed(caller);
            // One that runs is lost with its server, if that is killed.
            let is_fine = said.parse::<u32>().is_ok() || said.starts_with("Lost true ");
            assert!(is_fine, "{step}: {said}");
        }
        all_is_well(&home, step);
    }
}

#[test]
fn a_kill_at_any_step_of_a_restart_is_no_obstacle() {
    for step in STEPS {
        let home = Home::new();
        // At its own steps, it is the old server that is killed; at the others it is who asks for the
        // restart, or the successor.
        let (mut first, mut restart) = (home.zoo(&["pid"]), home.zoo(&["restart", "zoo"]));
        kill_at(
            if step.starts_with("end:") {
                &mut first
            } else {
                &mut restart
            },
            step,
        );
        let old = stdout(&first.output().unwrap());
        assert!(old.parse::<u32>().is_ok(), "{step}: {old}");
        let said = stdout(&restart.output().unwrap());
        assert!(
            ["", "()"].contains(&said.as_str()) || said.starts_with("Unreachable false "),
            "{step}: {old}, {said}"
        );
        // The old one is on its way out when its successor starts; only at this step it stays.
        let stays = step == "start: start lock taken";
        await_that(|| stays || !is_alive(old.parse().unwrap()));
        await_that(|| home.servers().len() <= 1);
        all_is_well(&home, step);
    }
}

#[test]
fn sixty_four_first_calls_start_one_server_each_time() {
    for _ in 0..20 {
        let home = Home::new();
        let answers = home.stampede(64, || home.zoo(&["pid"]));
        assert!(answers[0].parse::<u32>().is_ok(), "{answers:?}");
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{answers:?}"
        );
        assert_eq!(home.servers().len(), 1);
        assert_eq!(home.run_zoo(&["stop", "zoo"]), "()");
        assert!(home.servers().is_empty());
        assert!(!home.socket("zoo").exists());
    }
}
