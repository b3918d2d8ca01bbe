//! Events as plain numbers.

/// What happened, as plain numbers (nanoseconds, request numbers).
#[derive(Clone, Debug, PartialEq)]
pub enum Happened {
    Arrived {
        at: u64,
        request: u32,
        app: u16,
        deadline: u64,
    },
    Visible {
        at: u64,
        request: u32,
    },
    LoadStarted {
        at: u64,
        worker: u16,
        variant: u16,
        end: u64,
    },
    LoadEnded {
        at: u64,
        worker: u16,
        variant: u16,
    },
    Evicted {
        at: u64,
        worker: u16,
        variant: u16,
    },
    BatchStarted {
        at: u64,
        worker: u16,
        lane: usize,
        variant: u16,
        requests: Vec<u32>,
    },
    BatchEnded {
        at: u64,
        worker: u16,
        lane: usize,
        variant: u16,
        started: u64,
        batch: usize,
    },
    WorkerFailed {
        at: u64,
        worker: u16,
        until: u64,
    },
    BatchLost {
        at: u64,
        worker: u16,
        lane: usize,
        variant: u16,
        started: u64,
        requests: Vec<u32>,
    },
    LoadLost {
        at: u64,
        worker: u16,
        variant: u16,
        end: u64,
    },
    SendLost {
        at: u64,
        worker: u16,
        bytes: u64,
        /// From when to when.
        sending: (u64, u64),
    },
    Returned {
        at: u64,
        request: u32,
    },
    Sent {
        at: u64,
        worker: u16,
        bytes: u64,
        /// From when to when.
        sending: (u64, u64),
    },
    /// Answers are back from a worker elsewhere.
    Back {
        at: u64,
        worker: u16,
    },
    /// Worker `u16::MAX` if the SneakPeek model answered.
    Completed {
        at: u64,
        request: u32,
        worker: u16,
        variant: u16,
        started: u64,
        correct: bool,
        /// Its true class.
        class: u16,
    },
    Rejected {
        at: u64,
        request: u32,
    },
    Unfinished {
        at: u64,
        request: u32,
    },
}

impl Happened {
    /// The instant.
    pub fn at(&self) -> u64 {
        match self {
            Self::Arrived { at, .. }
            | Self::Visible { at, .. }
            | Self::LoadStarted { at, .. }
            | Self::LoadEnded { at, .. }
            | Self::Evicted { at, .. }
            | Self::BatchStarted { at, .. }
            | Self::BatchEnded { at, .. }
            | Self::WorkerFailed { at, .. }
            | Self::BatchLost { at, .. }
            | Self::LoadLost { at, .. }
            | Self::Returned { at, .. }
            | Self::Sent { at, .. }
            | Self::SendLost { at, .. }
            | Self::Back { at, .. }
            | Self::Completed { at, .. }
            | Self::Rejected { at, .. }
            | Self::Unfinished { at, .. } => *at,
        }
    }

    /// When a request arrived.
    pub fn arrival(events: &[Self], number: u32) -> Option<u64> {
        events.iter().find_map(|event| match event {
            Self::Arrived { at, request, .. } if *request == number => Some(*at),
            _ => None,
        })
    }
}
