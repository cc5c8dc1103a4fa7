//! Another process of this program, spoken to in JSON lines.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child as Process, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub struct Child<M> {
    process: Process,
    stdin: Option<ChildStdin>,
    inbox: Receiver<io::Result<M>>,
}

impl<M: DeserializeOwned + Send + 'static> Child<M> {
    /// Start `engine-bench <role>`.
    pub fn start(role: &str, arguments: &[String]) -> io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(role)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = process.stdin.take();
        let Some(stdout) = process.stdout.take() else {
            return Err(io::Error::other("no standard output"));
        };
        let (tell, inbox) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let message = line.and_then(|line| Ok(serde_json::from_str(&line)?));
                if tell.send(message).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            process,
            stdin,
            inbox,
        })
    }

    pub fn say(&mut self, message: &impl Serialize) -> io::Result<()> {
        let Some(stdin) = &mut self.stdin else {
            return Err(io::Error::other("closed"));
        };
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        stdin.write_all(&line)?;
        stdin.flush()
    }

    /// The next message, or an error after `within`.
    pub fn hear(&self, within: Duration) -> io::Result<M> {
        match self.inbox.recv_timeout(within) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("a process ended early")),
        }
    }

    /// A message that has come already.
    pub fn heard(&self) -> io::Result<Option<M>> {
        match self.inbox.try_recv() {
            Ok(message) => message.map(Some),
            Err(mpsc::TryRecvError::Empty) => Ok(None),
            Err(mpsc::TryRecvError::Disconnected) => Err(io::Error::other("a process ended early")),
        }
    }
}

impl<M> Drop for Child<M> {
    fn drop(&mut self) {
        // A closed standard input ends the process.
        drop(self.stdin.take());
        for _ in 0..200 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
