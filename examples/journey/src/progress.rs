use indicatif::{ProgressBar, ProgressStyle};

/// How far a stage is: a bar on a terminal, plain counts elsewhere. Both on standard error.
pub(crate) struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    bar: ProgressBar,
}

impl Progress {
    /// A stage with so many items.
    pub(crate) fn of(what: &'static str, total: usize) -> Self {
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:40}] {pos} of {len} ({eta})") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what);
        Self { what, total, done: 0, bar }
    }

    /// So many items more are done.
    pub(crate) fn add(&mut self, items: usize) {
        let tenth = |done: u64| done * 10 / self.total.max(1);
        let before = tenth(self.done);
        self.done += u64::try_from(items).unwrap_or(u64::MAX);
        self.bar.set_position(self.done);
        if self.bar.is_hidden() && tenth(self.done) > before {
            eprintln!("{}: {} of {}", self.what, self.done, self.total);
        }
    }

    /// The stage is over; a bar goes away.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
