//! The bounded queue of events towards the control side. When it is full statistics go first; state
//! changes and replies are never dropped.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine_core::api::Event;

use crate::poller::EventFd;

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    statistics: usize,
    dropped: u64,
}

#[derive(Debug)]
pub struct EventQueue {
    state: Mutex<State>,
    capacity: usize,
    readable: EventFd,
}

impl EventQueue {
    /// # Errors
    /// Those of `eventfd`.
    pub fn new(capacity: usize) -> io::Result<EventQueue> {
        Ok(EventQueue {
            state: Mutex::new(State::default()),
            capacity,
            readable: EventFd::new()?,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The queue is whole between its operations, whoever panicked while holding it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Readable while [`EventQueue::take`] has something to give.
    pub fn fd(&self) -> RawFd {
        self.readable.as_raw_fd()
    }

    /// Append events in order; empties `events`.
    pub fn push(&self, events: &mut Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let mut state = self.lock();
        let was_empty = state.events.is_empty() && state.dropped == 0;
        for event in events.drain(..) {
            let statistic = event.is_statistic();
            if state.events.len() >= self.capacity {
                if statistic {
                    state.dropped += 1;
                    continue;
                }
                state.drop_statistic();
            }
            state.statistics += usize::from(statistic);
            state.events.push_back(event);
        }
        if was_empty {
            self.readable.set();
        }
    }

    /// Take up to `max` events in order.
    pub fn take(&self, max: usize) -> Vec<Event> {
        let mut state = self.lock();
        let mut taken = Vec::with_capacity(max.min(state.events.len()) + 1);
        if state.dropped > 0 && max > 0 {
            taken.push(Event::StatsDropped {
                count: std::mem::take(&mut state.dropped),
            });
        }
        while taken.len() < max
            && let Some(event) = state.events.pop_front()
        {
            state.statistics -= usize::from(event.is_statistic());
            taken.push(event);
        }
        if state.events.is_empty() && state.dropped == 0 {
            self.readable.clear();
        }
        taken
    }
}

impl State {
    /// Make room by dropping the oldest statistic, if there is one.
    fn drop_statistic(&mut self) {
        if self.statistics == 0 {
            return;
        }
        if let Some(position) = self.events.iter().position(Event::is_statistic) {
            self.events.remove(position);
            self.statistics -= 1;
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistic() -> Event {
        Event::ActiveSpeakers {
            room_id: "r".into(),
            peer_ids: Vec::new(),
        }
    }

    fn state(request_id: u64) -> Event {
        Event::Reply {
            request_id,
            error: None,
            sdp: None,
            worker: None,
        }
    }

    fn readable(queue: &EventQueue) -> bool {
        let mut entry = libc::pollfd {
            fd: queue.fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one live entry.
        unsafe { libc::poll(&raw mut entry, 1, 0) == 1 }
    }

    #[test]
    fn statistics_go_first_and_state_never() {
        let queue = EventQueue::new(4).unwrap();
        let mut events = vec![
            statistic(),
            state(1),
            statistic(),
            state(2),
            statistic(),
            state(3),
        ];
        queue.push(&mut events);
        queue.push(&mut vec![state(4), state(5)]);
        let taken = queue.take(100);
        assert_eq!(
            taken,
            [
                Event::StatsDropped { count: 3 },
                state(1),
                state(2),
                state(3),
                state(4),
                state(5)
            ]
        );
        assert!(!readable(&queue));
    }

    #[test]
    fn readable_until_all_is_taken() {
        let queue = EventQueue::new(10).unwrap();
        assert!(!readable(&queue));
        queue.push(&mut vec![state(1), state(2)]);
        assert!(readable(&queue));
        assert_eq!(queue.take(1), [state(1)]);
        assert!(readable(&queue));
        assert_eq!(queue.take(1), [state(2)]);
        assert!(!readable(&queue));
        assert!(queue.take(1).is_empty());
    }
}
