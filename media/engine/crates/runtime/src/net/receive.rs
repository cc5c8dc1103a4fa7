use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::AsRawFd;
use std::ptr;

use super::address::{RAW_LEN, RawAddress};
use super::received::Slot;
use super::{Datagrams, IoCounters, UdpPort};

/// Room for the one control message asked for (`UDP_GRO`: an int).
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; 32]);

/// Preallocated room for the messages of one `recvmmsg`.
pub struct ReceiveBatch {
    storage: Box<[u8]>,
    /// Bytes per message.
    room: usize,
    headers: Box<[libc::mmsghdr]>,
    vectors: Box<[libc::iovec]>,
    names: Box<[RawAddress]>,
    controls: Box<[Control]>,
    slots: Vec<Slot>,
    pub counters: IoCounters,
}

// SAFETY: the raw pointers in `headers` and `vectors` are written anew before each system call and
// never followed outside it; they point into the boxes owned by the same struct.
unsafe impl Send for ReceiveBatch {}

impl ReceiveBatch {
    /// Bytes a message needs with GRO: a whole run, at most a full IP packet.
    pub const GRO_ROOM: usize = 65_535;

    /// Room for `messages` messages of at most `room` bytes each; longer ones are dropped and counted.
    pub fn new(messages: usize, room: usize) -> Self {
        let messages = messages.clamp(1, 1024);
        // SAFETY: these kernel structs are plain data; all zeroes is a valid value (null pointers).
        let (header, vector) = unsafe { (zeroed::<libc::mmsghdr>(), zeroed::<libc::iovec>()) };
        Self {
            storage: vec![0; messages * Self::stride(room)].into_boxed_slice(),
            room,
            headers: vec![header; messages].into_boxed_slice(),
            vectors: vec![vector; messages].into_boxed_slice(),
            names: vec![RawAddress::ZERO; messages].into_boxed_slice(),
            controls: vec![Control([0; 32]); messages].into_boxed_slice(),
            slots: Vec::with_capacity(messages * 4),
            counters: IoCounters::default(),
        }
    }

    /// Rooms a power of two apart would all compete for the same cache sets: one odd cache line
    /// between them spreads the packets' heads.
    fn stride(room: usize) -> usize {
        room.next_multiple_of(64) + 64 * 5
    }

    /// Take what has arrived, without blocking, and return how many datagrams that is. The
    /// datagrams of the call before are gone.
    ///
    /// # Errors
    /// Only those that mean the socket itself is unusable.
    pub fn receive(&mut self, port: &UdpPort) -> io::Result<usize> {
        self.slots.clear();
        self.prepare();
        let taken = loop {
            self.counters.receive_calls += 1;
            // SAFETY: `prepare` made every header point at live, exclusively owned room of the
            // stated size, and nothing moves before the call returns.
            let result = unsafe {
                libc::recvmmsg(
                    port.as_raw_fd(),
                    self.headers.as_mut_ptr(),
                    self.headers.len() as libc::c_uint,
                    libc::MSG_DONTWAIT,
                    ptr::null_mut(),
                )
            };
            if result >= 0 {
                break result as usize;
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EAGAIN) => return Ok(0),
                Some(libc::EBADF | libc::ENOTSOCK | libc::EINVAL | libc::EFAULT) => {
                    return Err(error);
                }
                // An error of an earlier send, reported here: the next call works again.
                _ => {
                    self.counters.receive_errors += 1;
                    return Ok(0);
                }
            }
        };
        for index in 0..taken {
            self.split(index);
        }
        Ok(self.slots.len())
    }

    /// The datagrams of the last [`receive`](Self::receive).
    pub fn datagrams(&mut self) -> Datagrams<'_> {
        Datagrams::new(&self.slots, &mut self.storage)
    }

    fn prepare(&mut self) {
        let stride = Self::stride(self.room);
        let rooms = self.storage.chunks_exact_mut(stride);
        let parts = self.headers.iter_mut().zip(self.vectors.iter_mut());
        let owned = self.names.iter_mut().zip(self.controls.iter_mut());
        for ((room, (header, vector)), (name, control)) in rooms.zip(parts).zip(owned) {
            vector.iov_base = room.as_mut_ptr().cast();
            vector.iov_len = self.room;
            header.msg_hdr.msg_name = (&raw mut *name).cast();
            header.msg_hdr.msg_namelen = RAW_LEN;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = (&raw mut *control).cast();
            header.msg_hdr.msg_controllen = size_of::<Control>() as _;
            header.msg_hdr.msg_flags = 0;
        }
    }

    fn split(&mut self, index: usize) {
        let header = &self.headers[index];
        if header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 {
            self.counters.truncated += 1;
            return;
        }
        let Some(source) = self.names[index].decode(header.msg_hdr.msg_namelen) else {
            self.counters.receive_errors += 1;
            return;
        };
        let len = (header.msg_len as usize).min(self.room);
        let segment = gro_segment(&header.msg_hdr).unwrap_or(len).max(1);
        let base = index * Self::stride(self.room);
        let mut offset = 0;
        while offset < len {
            let size = segment.min(len - offset);
            self.slots.push(Slot {
                source,
                start: base + offset,
                len: size,
            });
            offset += size;
        }
        self.counters.received_datagrams += len.div_ceil(segment) as u64;
        self.counters.received_bytes += len as u64;
    }
}

/// The segment size of a message that the kernel joined from several datagrams.
fn gro_segment(header: &libc::msghdr) -> Option<usize> {
    // SAFETY: the kernel filled `msg_control` up to `msg_controllen`, and the macros stay within it.
    let mut control = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !control.is_null() {
        // SAFETY: not null, so it points at a whole control header within the buffer.
        let (level, kind) = unsafe { ((*control).cmsg_level, (*control).cmsg_type) };
        if level == libc::SOL_UDP && kind == libc::UDP_GRO {
            // SAFETY: the kernel's UDP_GRO control message carries one int; it may lie unaligned.
            let size =
                unsafe { ptr::read_unaligned(libc::CMSG_DATA(control).cast::<libc::c_int>()) };
            return usize::try_from(size).ok().filter(|size| *size > 0);
        }
        // SAFETY: as for CMSG_FIRSTHDR.
        control = unsafe { libc::CMSG_NXTHDR(header, control) };
    }
    None
}
