//! One system call of a stopped thread, read from its registers.

use nix::errno::Errno;
use nix::libc::{
    SYS_read, SYS_readv, SYS_recvfrom, SYS_recvmsg, SYS_sendmsg, SYS_sendto, SYS_write, SYS_writev,
    c_long, user_regs_struct,
};
use nix::sys::ptrace;
use nix::unistd::Pid;

/// The calls that move bytes through a file descriptor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// `write`, `sendto`: the bytes are at the second argument.
    Write,
    /// `writev`: the second argument is a list of where bytes are.
    WriteList,
    /// `sendmsg`: the second argument is a message that has such a list.
    WriteMessage,
    /// `read`, `recvfrom`, `readv`, `recvmsg`.
    Read,
}

/// A call as it was entered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Syscall {
    pub(super) kind: Kind,
    pub(super) descriptor: u64,
    /// Where the bytes, or the list, or the message is.
    pub(super) address: u64,
}

impl Syscall {
    /// The call that a thread is about to make, if it moves bytes.
    pub(super) fn entered_by(thread: Pid) -> Result<Option<Self>, Errno> {
        let [number, descriptor, address] = arguments(&ptrace::getregs(thread)?);
        Ok(Kind::of(number).map(|kind| Self {
            kind,
            descriptor,
            address,
        }))
    }

    /// What the call that a thread has just made returned: bytes, or an error
    /// below zero.
    pub(super) fn result_of(thread: Pid) -> Result<i64, Errno> {
        Ok(result(&ptrace::getregs(thread)?).cast_signed())
    }
}

impl Kind {
    fn of(number: u64) -> Option<Self> {
        let number = c_long::try_from(number).ok()?;
        [
            (SYS_write, Self::Write),
            (SYS_sendto, Self::Write),
            (SYS_writev, Self::WriteList),
            (SYS_sendmsg, Self::WriteMessage),
            (SYS_read, Self::Read),
            (SYS_readv, Self::Read),
            (SYS_recvfrom, Self::Read),
            (SYS_recvmsg, Self::Read),
        ]
        .into_iter()
        .find_map(|(known, kind)| (known == number).then_some(kind))
    }
}

/// The call's number and its first two arguments.
#[cfg(target_arch = "x86_64")]
fn arguments(registers: &user_regs_struct) -> [u64; 3] {
    [registers.orig_rax, registers.rdi, registers.rsi]
}

#[cfg(target_arch = "x86_64")]
fn result(registers: &user_regs_struct) -> u64 {
    registers.rax
}

/// The call's number and its first two arguments.
#[cfg(target_arch = "aarch64")]
fn arguments(registers: &user_regs_struct) -> [u64; 3] {
    [registers.regs[8], registers.regs[0], registers.regs[1]]
}

#[cfg(target_arch = "aarch64")]
fn result(registers: &user_regs_struct) -> u64 {
    registers.regs[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_calls_that_move_bytes() {
        let kind = |number: c_long| Kind::of(number.cast_unsigned());
        assert_eq!(kind(SYS_sendto), Some(Kind::Write));
        assert_eq!(kind(SYS_readv), Some(Kind::Read));
        assert_eq!(kind(nix::libc::SYS_close), None);
    }
}
