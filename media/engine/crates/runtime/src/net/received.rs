use std::net::SocketAddr;

/// One received datagram. The bytes may be changed in place (SRTP is undone there).
#[derive(Debug)]
pub struct Datagram<'a> {
    pub source: SocketAddr,
    pub data: &'a mut [u8],
}

/// Where a datagram lies in the batch's storage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub source: SocketAddr,
    pub start: usize,
    pub len: usize,
}

/// The datagrams of one receive call, in the order they came.
#[derive(Debug)]
pub struct Datagrams<'a> {
    slots: std::slice::Iter<'a, Slot>,
    /// Storage from `offset` on; slots lie in it in ascending order without overlap.
    rest: &'a mut [u8],
    offset: usize,
}

impl<'a> Datagrams<'a> {
    pub(super) fn new(slots: &'a [Slot], storage: &'a mut [u8]) -> Self {
        Self {
            slots: slots.iter(),
            rest: storage,
            offset: 0,
        }
    }
}

impl<'a> Iterator for Datagrams<'a> {
    type Item = Datagram<'a>;

    fn next(&mut self) -> Option<Datagram<'a>> {
        let slot = self.slots.next()?;
        let rest = std::mem::take(&mut self.rest);
        let (_, rest) = rest.split_at_mut(slot.start - self.offset);
        let (data, rest) = rest.split_at_mut(slot.len);
        self.rest = rest;
        self.offset = slot.start + slot.len;
        Some(Datagram {
            source: slot.source,
            data,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
    }
}

impl ExactSizeIterator for Datagrams<'_> {}
