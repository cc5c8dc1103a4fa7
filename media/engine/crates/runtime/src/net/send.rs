use std::io;
use std::mem::zeroed;
use std::os::fd::AsRawFd;
use std::ptr;

use super::address::{Family, RawAddress};
use super::{IoCounters, Message, SendProgress, UdpPort};

/// Room for one `UDP_SEGMENT` control message (header 16 bytes, value 2, padded to 8).
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; 24]);

/// A place in the list of messages.
#[derive(Clone, Copy, Default)]
struct Cursor {
    message: usize,
    /// Bytes of that message already handed over, when it is sent in parts.
    offset: usize,
}

/// What an entry of the kernel's list stands for.
#[derive(Clone, Copy, Default)]
struct Entry {
    start: Cursor,
    datagrams: u32,
    bytes: u32,
    /// Segmented by the kernel.
    run: bool,
}

/// Preallocated room for the messages of one `sendmmsg`.
pub struct SendBatch {
    headers: Box<[libc::mmsghdr]>,
    vectors: Box<[libc::iovec]>,
    names: Box<[RawAddress]>,
    controls: Box<[Control]>,
    entries: Box<[Entry]>,
    /// False once the device refused segmentation as such (`EIO`: no checksum offload).
    segmentation: bool,
    pub counters: IoCounters,
}

// SAFETY: the raw pointers in `headers` and `vectors` are written anew before each system call and
// never followed outside it.
unsafe impl Send for SendBatch {}

impl SendBatch {
    /// Room for `messages` messages per system call (the kernel takes at most 1,024).
    pub fn new(messages: usize) -> Self {
        let messages = messages.clamp(1, 1024);
        // SAFETY: these kernel structs are plain data; all zeroes is a valid value (null pointers).
        let (header, vector) = unsafe { (zeroed::<libc::mmsghdr>(), zeroed::<libc::iovec>()) };
        Self {
            headers: vec![header; messages].into_boxed_slice(),
            vectors: vec![vector; messages].into_boxed_slice(),
            names: vec![RawAddress::ZERO; messages].into_boxed_slice(),
            controls: vec![Control([0; 24]); messages].into_boxed_slice(),
            entries: vec![Entry::default(); messages].into_boxed_slice(),
            segmentation: true,
            counters: IoCounters::default(),
        }
    }

    /// Whether messages with a segment size leave as one message each.
    pub fn segmentation(&self) -> bool {
        self.segmentation
    }

    /// Send every message as single datagrams from now on.
    pub fn disable_segmentation(&mut self) {
        self.segmentation = false;
    }

    /// Hand over `messages`, byte ranges of `buffer`, without blocking. What the kernel refuses for
    /// its destination or size is dropped and counted; a full buffer stops the send.
    ///
    /// # Panics
    /// When a message's range is not inside `buffer`.
    pub fn send(&mut self, port: &UdpPort, buffer: &[u8], messages: &[Message]) -> SendProgress {
        let fd = port.as_raw_fd();
        self.send_by(port.family, buffer, messages, |headers| {
            // SAFETY: `prepare` made these headers point at live room of the stated sizes; the
            // kernel only reads the payloads, which `send_by` borrows for the call.
            let result = unsafe {
                let count = headers.len() as libc::c_uint;
                libc::sendmmsg(fd, headers.as_mut_ptr(), count, libc::MSG_DONTWAIT)
            };
            if result > 0 {
                Ok(result as usize)
            } else {
                Err(io::Error::last_os_error()
                    .raw_os_error()
                    .unwrap_or(libc::EIO))
            }
        })
    }

    /// The loop of [`send`](Self::send) round `system_call`, which takes some of the headers, at
    /// least one, or gives an error code for the first.
    pub(super) fn send_by(
        &mut self,
        family: Family,
        buffer: &[u8],
        messages: &[Message],
        mut system_call: impl FnMut(&mut [libc::mmsghdr]) -> Result<usize, libc::c_int>,
    ) -> SendProgress {
        let mut cursor = Cursor {
            message: 0,
            offset: 0,
        };
        // One message whose segmentation alone was refused (a path with a smaller MTU).
        let mut split = None;
        while cursor.message < messages.len() {
            let (filled, next) = self.prepare(family, buffer, messages, cursor, split);
            if filled == 0 {
                cursor = next;
                continue;
            }
            self.counters.send_calls += 1;
            let first = self.entries[0];
            match system_call(&mut self.headers[..filled]) {
                Ok(sent) => cursor = self.account(sent, filled, next),
                Err(libc::EINTR) => {}
                Err(libc::EAGAIN) => {
                    self.counters.would_block += 1;
                    return self.blocked(first, messages);
                }
                Err(libc::ENOBUFS) => {
                    self.counters.no_buffers += 1;
                    return self.blocked(first, messages);
                }
                Err(code @ (libc::EIO | libc::EINVAL | libc::EMSGSIZE)) if first.run => {
                    self.counters.segmentation_refused += 1;
                    split = Some(first.start.message);
                    if code == libc::EIO {
                        self.segmentation = false;
                    }
                    cursor = first.start;
                }
                Err(_) => {
                    self.counters.send_errors += u64::from(first.datagrams);
                    cursor = after(&first, messages);
                }
            }
        }
        SendProgress::Complete
    }

    /// A message sent in part cannot be continued by the caller: its rest is dropped and counted.
    fn blocked(&mut self, first: Entry, messages: &[Message]) -> SendProgress {
        let mut next = first.start.message;
        if first.start.offset > 0 {
            let message = &messages[next];
            let rest = message.len - first.start.offset;
            self.counters.send_errors += rest.div_ceil(usize::from(message.segment)) as u64;
            next += 1;
        }
        if next == messages.len() {
            SendProgress::Complete
        } else {
            SendProgress::Blocked { next }
        }
    }

    /// Fill the kernel's list from `cursor` on. Returns how many entries it has and where the next
    /// list starts.
    fn prepare(
        &mut self,
        family: Family,
        buffer: &[u8],
        messages: &[Message],
        mut cursor: Cursor,
        split: Option<usize>,
    ) -> (usize, Cursor) {
        let mut filled = 0;
        while filled < self.headers.len() && cursor.message < messages.len() {
            let message = &messages[cursor.message];
            let payload = &buffer[message.start..message.start + message.len];
            let Some((name, name_len)) = RawAddress::encode(message.destination, family) else {
                self.counters.send_errors += message.datagrams() as u64;
                cursor = Cursor {
                    message: cursor.message + 1,
                    offset: 0,
                };
                continue;
            };
            let run = message.is_run();
            let part = run && (!self.segmentation || split == Some(cursor.message));
            let bytes = if part {
                let end = (cursor.offset + usize::from(message.segment)).min(message.len);
                &payload[cursor.offset..end]
            } else {
                payload
            };
            self.names[filled] = name;
            self.vectors[filled] = libc::iovec {
                iov_base: bytes.as_ptr().cast_mut().cast(),
                iov_len: bytes.len(),
            };
            let header = &mut self.headers[filled].msg_hdr;
            header.msg_name = (&raw mut self.names[filled]).cast();
            header.msg_namelen = name_len;
            header.msg_iov = &raw mut self.vectors[filled];
            header.msg_iovlen = 1;
            header.msg_flags = 0;
            if run && !part {
                set_segment(header, &mut self.controls[filled], message.segment);
            } else {
                header.msg_control = ptr::null_mut();
                header.msg_controllen = 0;
            }
            self.entries[filled] = Entry {
                start: cursor,
                datagrams: if part { 1 } else { message.datagrams() as u32 },
                bytes: bytes.len() as u32,
                run: run && !part,
            };
            cursor = after(&self.entries[filled], messages);
            filled += 1;
        }
        (filled, cursor)
    }

    /// Count `sent` of the `filled` entries and return where to go on.
    fn account(&mut self, sent: usize, filled: usize, next: Cursor) -> Cursor {
        for entry in &self.entries[..sent] {
            self.counters.sent_messages += 1;
            self.counters.sent_datagrams += u64::from(entry.datagrams);
            self.counters.sent_bytes += u64::from(entry.bytes);
        }
        if sent == filled {
            next
        } else {
            self.entries[sent].start
        }
    }
}

fn after(entry: &Entry, messages: &[Message]) -> Cursor {
    let Cursor { message, offset } = entry.start;
    let offset = offset + entry.bytes as usize;
    if offset < messages[message].len {
        Cursor { message, offset }
    } else {
        Cursor {
            message: message + 1,
            offset: 0,
        }
    }
}

fn set_segment(header: &mut libc::msghdr, control: &mut Control, segment: u16) {
    header.msg_control = (&raw mut *control).cast();
    // SAFETY: CMSG_SPACE and CMSG_LEN only compute; CMSG_FIRSTHDR points into `control`, which has
    // room for a header and two bytes (24 = CMSG_SPACE(2)); CMSG_DATA lies behind that header.
    unsafe {
        header.msg_controllen = libc::CMSG_SPACE(size_of::<u16>() as u32) as _;
        let first = libc::CMSG_FIRSTHDR(header);
        (*first).cmsg_level = libc::SOL_UDP;
        (*first).cmsg_type = libc::UDP_SEGMENT;
        (*first).cmsg_len = libc::CMSG_LEN(size_of::<u16>() as u32) as _;
        ptr::write_unaligned(libc::CMSG_DATA(first).cast::<u16>(), segment);
    }
}
