//! Waits for many sources at once, so that none of them needs a thread while nothing comes.

#[cfg(target_os = "linux")]
mod epoll;
#[cfg(not(target_os = "linux"))]
mod kqueue;

#[cfg(target_os = "linux")]
pub(crate) use epoll::{Poller, is_unread};
#[cfg(not(target_os = "linux"))]
pub(crate) use kqueue::{Poller, is_unread};

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::net::Shutdown;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::*;

    const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

    #[test]
    fn a_source_is_named_once_until_it_is_watched_again() {
        let poller = Poller::new().unwrap();
        let (mut one, other) = UnixStream::pair().unwrap();
        poller.add(other.as_fd(), 7).unwrap();
        assert_eq!(poller.wait(AT_ONCE).unwrap(), None);
        one.write_all(b"x").unwrap();
        assert_eq!(poller.wait(None).unwrap(), Some(7));
        assert_eq!(poller.wait(AT_ONCE).unwrap(), None);
        poller.again(other.as_fd(), 7).unwrap();
        assert_eq!(poller.wait(None).unwrap(), Some(7));
        poller.again(other.as_fd(), 7).unwrap();
        poller.forget(other.as_fd());
        assert_eq!(poller.wait(AT_ONCE).unwrap(), None);
    }

    #[test]
    fn an_end_is_named_as_well() {
        let poller = Poller::new().unwrap();
        let (one, other) = UnixStream::pair().unwrap();
        poller.add(other.as_fd(), 3).unwrap();
        drop(one);
        assert_eq!(poller.wait(None).unwrap(), Some(3));
    }

    #[test]
    fn each_is_named_to_one_of_those_who_wait() {
        let poller = Poller::new().unwrap();
        let pairs: Vec<_> = (0..50).map(|_| UnixStream::pair().unwrap()).collect();
        let mut named = std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..5)
                .map(|_| {
                    scope.spawn(|| {
                        (0..10)
                            .map(|_| poller.wait(None).unwrap().unwrap())
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            for (id, (one, other)) in (0..).zip(&pairs) {
                // Threads that wait already are told of a source that is added now.
                poller.add(other.as_fd(), id).unwrap();
                (&*one).write_all(b"x").unwrap();
            }
            waiting
                .into_iter()
                .flat_map(|one| one.join().unwrap())
                .collect::<Vec<_>>()
        });
        named.sort_unstable();
        assert!(named.into_iter().eq(0..50));
    }

    #[test]
    fn an_output_is_unread_once_the_other_end_is_closed() {
        let (one, other) = UnixStream::pair().unwrap();
        assert!(!is_unread(one.as_fd()));
        (&other).write_all(b"x").unwrap();
        other.shutdown(Shutdown::Write).unwrap();
        assert!(!is_unread(one.as_fd()), "it reads on");
        drop(other);
        assert!(is_unread(one.as_fd()));
        let (read, write) = io::pipe().unwrap();
        assert!(!is_unread(write.as_fd()));
        // Nor while it has no room.
        rustix::io::ioctl_fionbio(&write, true).unwrap();
        while (&write).write(&[0; 4096]).is_ok() {}
        assert!(!is_unread(write.as_fd()));
        drop(read);
        assert!(is_unread(write.as_fd()));
    }
}
