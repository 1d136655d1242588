use indicatif::{ProgressBar, ProgressStyle};

/// How far a stage is: a bar on a terminal, plain lines elsewhere. Both on standard error.
pub(crate) struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    bar: ProgressBar,
}

impl Progress {
    /// A stage of so much.
    pub(crate) fn of(what: &'static str, total: u64) -> Self {
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:40}] {percent} % {msg} ({eta})") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what);
        Self { what, total, done: 0, bar }
    }

    /// So much of it is done, which is told in words too.
    pub(crate) fn set(&mut self, done: u64, words: &str) {
        let percent = |done: u64| done * 100 / self.total.max(1);
        let before = std::mem::replace(&mut self.done, done);
        self.bar.set_position(done);
        self.bar.set_message(words.to_owned());
        if self.bar.is_hidden() && percent(done) / 10 > percent(before) / 10 {
            eprintln!("{}: {} %, {words}", self.what, percent(done));
        }
    }

    /// One more is done.
    pub(crate) fn step(&mut self) {
        let done = self.done + 1;
        self.set(done, &format!("{done} of {}", self.total));
    }

    /// The stage is over; a bar goes away.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
