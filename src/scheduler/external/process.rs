//! A process that is asked a line and answers a line. It ends with the value that stands for it,
//! and so do the processes that it started.
//!
//! A thread of its own writes and reads, so that a process that neither reads nor writes is noticed
//! after a time. Another keeps the last lines of its standard error for messages.

use crate::config::json_lines::read_line;
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The lines of standard error that a message shows, and the bytes of each.
const TAIL: usize = 5;
const TAIL_BYTES: u64 = 200;
/// The time in which a process may end by itself after its input has.
const GRACE: Duration = Duration::from_secs(1);

/// What came of a question: the answer, `None` at the end of the output.
type Answer = io::Result<Option<Vec<u8>>>;

/// A process that runs.
pub struct Process {
    /// `None` once it has been waited for.
    child: Option<Child>,
    /// `None` when there are no more questions.
    questions: Option<SyncSender<Vec<u8>>>,
    answers: Receiver<Answer>,
    errors: Errors,
    timeout: Duration,
    /// Whether it may need a moment to end by itself.
    orderly: bool,
}

/// The standard error of a process.
struct Errors {
    lines: Arc<Mutex<VecDeque<String>>>,
    /// Disconnected when nobody can write to it any more.
    open: Receiver<()>,
}

impl Process {
    /// Starts a program, whose answers may take `timeout` each.
    ///
    /// # Errors
    /// Says why it cannot be started.
    pub fn start(program: &str, arguments: &[String], timeout: Duration) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: what it starts can be ended with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let refused = |error: io::Error| format!("a program that cannot be started ({error})");
        let mut child = command.spawn().map_err(refused)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let started = match pipes {
            (Some(stdin), Some(stdout), Some(stderr)) => {
                Errors::keep(stderr).and_then(|errors| Ok((errors, exchange(stdin, stdout)?)))
            }
            _ => Err(io::Error::other("no pipes")),
        };
        match started {
            Ok((errors, (questions, answers))) => {
                let (child, questions) = (Some(child), Some(questions));
                Ok(Self { child, questions, answers, errors, timeout, orderly: true })
            }
            Err(error) => {
                end(child);
                Err(refused(error))
            }
        }
    }

    /// Sends a line and returns the next one that the process writes.
    ///
    /// # Errors
    /// What was found instead of an answer, for a person. Nothing can be asked afterwards.
    pub fn ask(&mut self, question: Vec<u8>) -> Result<Vec<u8>, String> {
        let is_sent = self.questions.as_ref().is_some_and(|to| to.send(question).is_ok());
        let answer = if is_sent {
            self.answers.recv_timeout(self.timeout)
        } else {
            Err(RecvTimeoutError::Disconnected)
        };
        if let Ok(Ok(Some(line))) = answer {
            return Ok(line);
        }
        self.questions = None;
        Err(match answer {
            Ok(Err(error)) if error.kind() == io::ErrorKind::Other => self.fail(error.to_string()),
            Err(RecvTimeoutError::Timeout) => {
                let seconds = self.timeout.as_secs_f64();
                self.fail(format!("no answer within {seconds} s"))
            }
            _ => self.died(),
        })
    }

    /// Ends it at once.
    fn fail(&mut self, why: String) -> String {
        self.orderly = false;
        why
    }

    /// How a process ended whose output has ended.
    fn died(&mut self) -> String {
        self.errors.wait();
        let is_over = self.child.as_mut().is_some_and(has_ended);
        match self.child.take_if(|_| is_over).and_then(end) {
            Some(status) => self.fail(format!("the end of the process ({status})")),
            None => self.fail("the end of its output".to_owned()),
        }
    }

    /// The last lines of its standard error, as an addition to a message; empty if there are none.
    pub fn complaint(&self) -> String {
        let lines = self.errors.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return String::new();
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        format!("; its standard error ends with: {}", lines.join(" | "))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Without a sender the thread ends, and with it the input of the process.
        self.questions = None;
        if self.orderly {
            self.errors.wait();
        }
        self.child.take().and_then(end);
    }
}

/// The thread that writes questions and reads answers.
fn exchange(
    mut stdin: ChildStdin,
    stdout: ChildStdout,
) -> io::Result<(SyncSender<Vec<u8>>, Receiver<Answer>)> {
    let (questions, asked) = sync_channel::<Vec<u8>>(1);
    let (answered, answers) = sync_channel(1);
    thread::Builder::new().name("external scheduler".to_owned()).spawn(move || {
        let mut stdout = BufReader::new(stdout);
        for mut line in asked {
            let sent = stdin.write_all(&line);
            let read = sent.and_then(|()| read_line(&mut stdout, &mut line));
            if answered.send(read.map(|found| found.then_some(line))).is_err() {
                return;
            }
        }
    })?;
    Ok((questions, answers))
}

impl Errors {
    /// Reads to the end, in a thread of its own, and keeps the last lines.
    fn keep(stderr: ChildStderr) -> io::Result<Self> {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let (writer, open) = sync_channel(1);
        let kept = Arc::clone(&lines);
        thread::Builder::new().name("standard error".to_owned()).spawn(move || {
            let (mut stderr, mut line) = (BufReader::new(stderr), Vec::new());
            loop {
                line.clear();
                match stderr.by_ref().take(TAIL_BYTES).read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
                let text = String::from_utf8_lossy(&line);
                if !text.trim().is_empty() {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.push_back(text.trim().to_owned());
                    let more = kept.len().saturating_sub(TAIL);
                    kept.drain(..more);
                }
            }
            drop(writer);
        })?;
        Ok(Self { lines, open })
    }

    /// Waits a moment for its end: nothing is ever sent.
    fn wait(&self) {
        let _ = self.open.recv_timeout(GRACE);
    }
}

/// Whether a process has ended, or does so within a moment; it can still be waited for.
fn has_ended(child: &mut Child) -> bool {
    (0..200).any(|_| {
        let is_over = is_over(child);
        if !is_over {
            thread::sleep(Duration::from_millis(1));
        }
        is_over
    })
}

#[cfg(unix)]
fn is_over(child: &mut Child) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::Pid(Pid::from_child(child)), options), Ok(Some(_)))
}

#[cfg(not(unix))]
fn is_over(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(Some(_)))
}

/// Ends a process and those that it started; how it ended.
fn end(mut child: Child) -> Option<ExitStatus> {
    // No other process has its number before it is waited for.
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    }
    let _ = child.kill();
    child.wait().ok()
}
