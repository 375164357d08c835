//! What every form of the report is made of: the findings of each object, with their places in the files.

use crate::cli::Status;
use crate::cli::baseline::Accepted;
use crate::cli::input::Source;
use crate::cli::locate::{Locator, Pointed};
use crate::cli::review::{Object, Reviewed};
use crate::policy::finding::merge;
use crate::policy::{Finding, Level};

/// Which findings are reported.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Denials only.
    pub quiet: bool,
    /// At most so many, the worst first.
    pub most: Option<usize>,
}

/// What is to be reported.
#[derive(Debug)]
pub struct Report<'a> {
    /// What was read.
    pub reviewed: &'a Reviewed,
    /// The objects, in the order of the input.
    pub entries: Vec<Entry<'a>>,
    /// Findings that are not shown, since there are more than were asked for.
    pub omitted: usize,
    /// Findings that the baseline knows.
    pub accepted: usize,
    /// What the baseline knows and is not found any more.
    pub gone: usize,
    /// Whether only denials are wanted.
    pub quiet: bool,
}

/// An object with what is said of it.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The object.
    pub object: &'a Object,
    /// The worst level of its findings, shown or not, without those that are accepted; `None` where there is none.
    pub verdict: Option<Level>,
    /// The findings that are shown.
    pub findings: Vec<Said<'a>>,
}

/// A finding and its place.
#[derive(Debug)]
pub struct Said<'a> {
    /// The finding; one of several that one cause has.
    pub finding: Finding,
    /// Where it points to.
    pub pointed: Pointed<'a>,
}

impl<'a> Report<'a> {
    /// The findings of `reviewed` that are `wanted` and not `accepted`.
    #[must_use]
    pub fn of(reviewed: &'a Reviewed, wanted: Wanted, accepted: &Accepted) -> Self {
        let mut locator = Locator::of(&reviewed.objects);
        let mut findings = new(reviewed, accepted);
        // What is accepted was accepted place by place.
        findings.iter_mut().for_each(merge);
        let verdict = |findings: &[Finding]| findings.iter().map(|finding| finding.level).max();
        let verdicts: Vec<_> = findings.iter().map(|findings| verdict(findings)).collect();
        let (shown, omitted) = shown(findings, wanted);
        let entry = |((object, findings), verdict): ((&'a Object, Vec<Finding>), Option<Level>)| {
            let said = findings.into_iter().map(|finding| Said { pointed: locator.point(object, &finding), finding });
            Entry { object, verdict: verdict.filter(|level| *level > Level::Off), findings: said.collect() }
        };
        let entries = reviewed.objects.iter().zip(shown).zip(verdicts).map(entry).collect();
        let Accepted { accepted, gone, .. } = *accepted;
        Self { reviewed, entries, omitted, accepted, gone, quiet: wanted.quiet }
    }

    /// How many objects have the verdict `level`.
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.entries.iter().filter(|entry| entry.verdict == Some(level)).count()
    }

    /// The exit status that the findings and the problems ask for.
    #[must_use]
    pub fn status(&self) -> Status {
        if !self.reviewed.problems.is_empty() {
            Status::Unreadable
        } else if self.count(Level::Deny) > 0 {
            Status::Denied
        } else {
            Status::Passed
        }
    }
}

impl Said<'_> {
    /// The object in whose manifest it points.
    #[must_use]
    pub const fn source(&self) -> &Source {
        self.pointed.source
    }
}

/// The findings of each object that are not accepted.
fn new(reviewed: &Reviewed, accepted: &Accepted) -> Vec<Vec<Finding>> {
    let none = Vec::new();
    let known = accepted.known.iter().chain(std::iter::repeat(&none));
    let of_object = |(object, known): (&Object, &Vec<bool>)| {
        let known = known.iter().copied().chain(std::iter::repeat(false));
        object
            .findings()
            .iter()
            .zip(known)
            .filter(|(_, is_known)| !is_known)
            .map(|(finding, _)| finding.clone())
            .collect()
    };
    reviewed.objects.iter().zip(known).map(of_object).collect()
}

/// The findings that are wanted, of many the worst, of equal ones the first; and how many more there are.
fn shown(mut findings: Vec<Vec<Finding>>, wanted: Wanted) -> (Vec<Vec<Finding>>, usize) {
    if wanted.quiet {
        for findings in &mut findings {
            findings.retain(|finding| finding.level == Level::Deny);
        }
    }
    let (mut left, mut omitted) = (wanted.most.unwrap_or(usize::MAX), 0);
    for level in [Level::Deny, Level::Warn, Level::Audit] {
        let (room, mut seen) = (left, 0_usize);
        for findings in &mut findings {
            findings.retain(|finding| {
                seen += usize::from(finding.level == level);
                finding.level != level || seen <= room
            });
        }
        left = room.saturating_sub(seen);
        omitted += seen.saturating_sub(room);
    }
    (findings, omitted)
}
