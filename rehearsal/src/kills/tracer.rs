//! Follows a process through its system calls, and kills it at one of them.
//!
//! Only the thread that seized a process may talk to it, so there is a thread
//! for each. It waits for what it traces alone, and never takes the end of the
//! process away from whoever started it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::thread;

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use tokio::sync::oneshot;

use super::conversation::Conversations;
use super::point::{Moment, Point};
use super::syscall::{Kind, Syscall};

/// How much of what is written is looked at: enough for a `CONNECT` to any host.
const BEGINNING: usize = 128;

/// What was seen of a process until its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    /// Every point that it came to, in order.
    pub(super) points: Vec<Point>,
    /// Whether it was killed at the point that was asked for.
    pub(super) killed: bool,
}

/// A process that is being followed.
#[derive(Debug)]
pub(super) struct Tracer {
    ended: oneshot::Receiver<Result<Trace, Errno>>,
}

impl Tracer {
    /// Follows an idle process from now on; kills it at `target`.
    ///
    /// # Errors
    /// It cannot be traced, for example because a container forbids that.
    pub(super) async fn attach(process: u32, target: Option<Point>) -> io::Result<Self> {
        let (attached, ready) = oneshot::channel();
        let (report, ended) = oneshot::channel();
        let process = Pid::from_raw(process.cast_signed());
        thread::spawn(move || match Following::seize(process, target) {
            Ok(following) => {
                attached.send(Ok(())).ok();
                report.send(following.until_it_ends()).ok();
            }
            Err(error) => {
                attached.send(Err(error)).ok();
            }
        });
        ready.await.map_err(io::Error::other)??;
        Ok(Self { ended })
    }

    /// Waits until the process has ended, and tells what was seen of it.
    ///
    /// # Errors
    /// It could not be followed to its end.
    pub(super) async fn end(self) -> io::Result<Trace> {
        Ok(self.ended.await.map_err(io::Error::other)??)
    }
}

/// The thread's own view of the process.
struct Following {
    process: Pid,
    memory: File,
    target: Option<Point>,
    /// The threads that are inside a system call, and that call.
    inside: BTreeMap<Pid, Option<Syscall>>,
    conversations: Conversations,
    trace: Trace,
}

impl Following {
    /// Seizes every thread, and lets each run to its next system call.
    fn seize(process: Pid, target: Option<Point>) -> io::Result<Self> {
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_EXITKILL;
        let mut threads = Vec::new();
        for entry in fs::read_dir(format!("/proc/{process}/task"))? {
            let name = entry?.file_name();
            let thread = name.to_str().and_then(|name| name.parse().ok());
            threads.extend(thread.map(Pid::from_raw));
        }
        for thread in &threads {
            ptrace::seize(*thread, options)?;
            ptrace::interrupt(*thread)?;
        }
        for thread in threads {
            waitpid(thread, Some(WaitPidFlag::__WALL))?;
            ptrace::syscall(thread, None)?;
        }
        Ok(Self {
            process,
            memory: File::open(format!("/proc/{process}/mem"))?,
            target,
            inside: BTreeMap::new(),
            conversations: Conversations::default(),
            trace: Trace::default(),
        })
    }

    /// Goes from stop to stop until the process is dead.
    fn until_it_ends(mut self) -> Result<Trace, Errno> {
        let ours = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        let any = ours | WaitPidFlag::WEXITED | WaitPidFlag::WSTOPPED | WaitPidFlag::WNOWAIT;
        loop {
            let status = match waitid(Id::All, any) {
                Ok(status) => status,
                Err(Errno::ECHILD) => return Ok(self.trace),
                Err(error) => return Err(error),
            };
            if let WaitStatus::Exited(thread, _) | WaitStatus::Signaled(thread, _, _) = status
                && thread == self.process
            {
                // Its end is for whoever started it.
                return Ok(self.trace);
            }
            let Some(thread) = status.pid() else { continue };
            match waitpid(thread, Some(ours)) {
                Ok(status) => self.stopped(status)?,
                // It was killed between the two.
                Err(Errno::ECHILD) => {}
                Err(error) => return Err(error),
            }
            if self.trace.killed {
                return Ok(self.trace);
            }
        }
    }

    /// A thread stopped: looks at it and lets it go on.
    fn stopped(&mut self, status: WaitStatus) -> Result<(), Errno> {
        let (thread, signal) = match status {
            WaitStatus::PtraceSyscall(thread) => {
                let looked_at = self.at_a_call(thread);
                if self.trace.killed {
                    return Ok(());
                }
                // A thread that was killed meanwhile tells nothing any more.
                gone_or(looked_at)?;
                (thread, None)
            }
            WaitStatus::PtraceEvent(thread, _, _) => (thread, None),
            WaitStatus::Stopped(thread, signal) => (thread, Some(signal)),
            _ => return Ok(()),
        };
        gone_or(ptrace::syscall(thread, signal))
    }

    /// Entries and exits take turns.
    fn at_a_call(&mut self, thread: Pid) -> Result<(), Errno> {
        match self.inside.remove(&thread) {
            None => {
                let call = Syscall::entered_by(thread)?;
                let call = call.filter(|call| self.is_socket(call.descriptor));
                self.inside.insert(thread, call);
                match call {
                    Some(call) if call.kind != Kind::Read => self.write_begins(call),
                    _ => Ok(()),
                }
            }
            Some(None) => Ok(()),
            Some(Some(call)) => {
                let moved_bytes = Syscall::result_of(thread)? > 0;
                let moment = match call.kind {
                    Kind::Read => Moment::AfterRead,
                    Kind::Write | Kind::WriteList | Kind::WriteMessage => Moment::AfterWrite,
                };
                if moved_bytes {
                    let point = self.conversations.at(call.descriptor, moment);
                    self.reached(point)?;
                }
                Ok(())
            }
        }
    }

    fn write_begins(&mut self, call: Syscall) -> Result<(), Errno> {
        let beginning = self.beginning_of(call).unwrap_or_default();
        let point = self.conversations.writes(call.descriptor, &beginning);
        self.reached(point)
    }

    fn reached(&mut self, point: Point) -> Result<(), Errno> {
        if self.target.as_ref() == Some(&point) {
            kill(self.process, Signal::SIGKILL)?;
            self.trace.killed = true;
        }
        self.trace.points.push(point);
        Ok(())
    }

    fn is_socket(&self, descriptor: u64) -> bool {
        let link = format!("/proc/{}/fd/{descriptor}", self.process);
        fs::read_link(link).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
    }

    /// The first bytes that a call writes.
    fn beginning_of(&self, call: Syscall) -> io::Result<Vec<u8>> {
        // In `msghdr` the list comes behind the name and its length.
        const LIST_IN_MESSAGE: u64 = 16;
        let bytes = match call.kind {
            Kind::WriteMessage => self.address_at(self.address_at(call.address + LIST_IN_MESSAGE)?),
            Kind::WriteList => self.address_at(call.address),
            Kind::Write | Kind::Read => Ok(call.address),
        }?;
        let mut beginning = vec![0; BEGINNING];
        let length = self.memory.read_at(&mut beginning, bytes)?;
        beginning.truncate(length);
        Ok(beginning)
    }

    fn address_at(&self, place: u64) -> io::Result<u64> {
        let mut address = [0; 8];
        self.memory.read_exact_at(&mut address, place)?;
        Ok(u64::from_ne_bytes(address))
    }
}

fn gone_or(outcome: Result<(), Errno>) -> Result<(), Errno> {
    match outcome {
        Err(Errno::ESRCH) => Ok(()),
        other => other,
    }
}
