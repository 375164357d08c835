//! Flink's own memory arithmetic: whether what a role may have is enough for what its process consists of.
//!
//! Sources: Flink `ProcessMemoryUtils`, `JobManagerFlinkMemoryUtils`, `TaskExecutorFlinkMemoryUtils`, `MemorySize.multiply`;
//! the same from 1.13 to 2.3 but for the default of `taskmanager.memory.network.max`. Compared with 1.20.5 as executed.
//!
//! ```
//! use flink_admission::flink::memory::process::{Fit, fit};
//! use flink_admission::policy::Role;
//!
//! let options = |option: &str| (option == "jobmanager.memory.process.size").then_some("512m");
//! let Fit::Short(shortage) = fit(Role::JobManager, &options, None) else { panic!("it is too small") };
//! assert_eq!(shortage.needed() >> 20, 576);
//! ```

use crate::flink::location::has_placeholder;
use crate::flink::memory::{MEBIBYTE, size};
use crate::flink::version::FlinkVersion;
use crate::policy::Role;

/// The option that sets all that the process of `role` may use.
#[must_use]
pub const fn process_size(role: Role) -> &'static str {
    match role {
        Role::JobManager => JM_PROCESS,
        Role::TaskManager => TM_PROCESS,
    }
}

/// Whether what a role may have is enough for its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// Flink starts with it.
    Enough,
    /// A total is smaller than the sum of its parts.
    Short(Shortage),
    /// Nothing says how much there is, with which Flink does not start.
    Unset,
    /// A size is none, with which Flink does not start.
    Unreadable,
    /// It cannot be told: something else fills a value in, or sizes contradict each other so that more memory does not help.
    Unknown,
}

/// A total that is smaller than the sum of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The option that sets the total.
    pub total: &'static str,
    /// The bytes that it sets.
    pub bytes: u64,
    /// What must fit into it.
    pub parts: Vec<Part>,
}

/// A part of a process's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// What it is called: `metaspace`.
    pub name: &'static str,
    /// Its bytes, or the fewest that it may have.
    pub bytes: u64,
}

impl Shortage {
    /// The bytes of all parts together.
    #[must_use]
    pub fn needed(&self) -> u64 {
        sum(&self.parts)
    }
}

/// Whether the memory of `role` is enough, by the values that `options` gives for the options' newest names; the first total
/// that is not. Where the version is not known, all of them must agree.
#[must_use]
pub fn fit<'a>(role: Role, options: &dyn Fn(&str) -> Option<&'a str>, version: Option<FlinkVersion>) -> Fit {
    let judge = |network_max: u64| {
        let sizes = Sizes { options, network_max };
        let shortage = match role {
            Role::JobManager => sizes.job_manager(),
            Role::TaskManager => sizes.task_manager(),
        };
        match shortage {
            Ok(None) => Fit::Enough,
            Ok(Some(shortage)) => Fit::Short(shortage),
            Err(Undecided::Unset) => Fit::Unset,
            Err(Undecided::Unreadable) => Fit::Unreadable,
            Err(Undecided::Unclear) => Fit::Unknown,
        }
    };
    // Flink `TaskManagerOptions.NETWORK_MEMORY_MAX`: no bound from 1.17 (FLINK-29639).
    let (before, since) = (1024 * MEBIBYTE, i64::MAX.unsigned_abs());
    match version {
        Some(version) if !version.at_least(1, 13) => Fit::Unknown,
        Some(version) => judge(if version.at_least(1, 17) { since } else { before }),
        None => match (judge(since), judge(before)) {
            (Fit::Short(shortage), Fit::Short(_)) => Fit::Short(shortage),
            (one, other) if one == other => one,
            _ => Fit::Unknown,
        },
    }
}

/// The options of a role.
struct Sizes<'f, 'a> {
    options: &'f dyn Fn(&str) -> Option<&'a str>,
    network_max: u64,
}

/// What the total of a process consists of besides Flink's own memory.
struct Jvm {
    process: &'static str,
    metaspace: u64,
    overhead: Range,
}

/// A fraction with bounds.
struct Range {
    fraction: f64,
    min: u64,
    max: u64,
}

/// Why a role has no shortage that can be told.
#[derive(Clone, Copy)]
enum Undecided {
    Unset,
    Unreadable,
    Unclear,
}

type Result<T> = std::result::Result<T, Undecided>;

impl Sizes<'_, '_> {
    fn job_manager(&self) -> Result<Option<Shortage>> {
        let jvm = self.jvm(
            JM_PROCESS,
            ["jobmanager.memory.jvm-metaspace.size", "jobmanager.memory.jvm-overhead.fraction"],
            ["jobmanager.memory.jvm-overhead.min", "jobmanager.memory.jvm-overhead.max"],
        )?;
        let off_heap = self.size("jobmanager.memory.off-heap.size")?;
        if let Some(heap) = self.size(JM_HEAP)? {
            let flink = self.size(JM_FLINK)?;
            // Next to a heap and a total, off-heap memory that is not set is the rest.
            let rest = flink.map(|flink| flink.saturating_sub(heap));
            let parts = vec![part("heap", heap), part(OFF_HEAP, off_heap.or(rest).unwrap_or(DEFAULT_OFF_HEAP))];
            return match flink {
                Some(flink) if flink < sum(&parts) => Ok(Some(short(JM_FLINK, flink, parts))),
                Some(flink) if flink > sum(&parts) => Err(Undecided::Unclear),
                Some(_) | None => self.process(&jvm, parts),
            };
        }
        let off_heap = part(OFF_HEAP, off_heap.unwrap_or(DEFAULT_OFF_HEAP));
        // The heap takes what is left, which must be more than nothing.
        if let Some(flink) = self.size(JM_FLINK)? {
            if flink <= off_heap.bytes {
                return Ok(Some(short(JM_FLINK, flink, vec![off_heap])));
            }
            return self.process(&jvm, vec![part("total Flink memory", flink)]);
        }
        let process = self.size(JM_PROCESS)?.ok_or(Undecided::Unset)?;
        let parts = vec![part(METASPACE, jvm.metaspace), part(OVERHEAD, jvm.overhead.of(process)?), off_heap];
        Ok((process <= sum(&parts)).then(|| short(JM_PROCESS, process, parts)))
    }

    fn task_manager(&self) -> Result<Option<Shortage>> {
        let jvm = self.jvm(
            TM_PROCESS,
            ["taskmanager.memory.jvm-metaspace.size", "taskmanager.memory.jvm-overhead.fraction"],
            ["taskmanager.memory.jvm-overhead.min", "taskmanager.memory.jvm-overhead.max"],
        )?;
        let flink = self.size(TM_FLINK)?;
        if let (Some(heap), Some(managed)) = (self.size(TM_TASK_HEAP)?, self.size(TM_MANAGED)?) {
            let mut parts = self.framework()?;
            parts.extend([part("task heap", heap), part("managed memory", managed)]);
            let network = self.network()?;
            if let Some(flink) = flink {
                parts.push(network.rest(flink, &parts)?);
                return self.task_manager_of(&jvm, flink, parts);
            }
            parts.push(part(NETWORK, network.beside(sum(&parts))?));
            return self.process(&jvm, parts);
        }
        if let Some(flink) = flink {
            let parts = self.parts_of(flink)?;
            return self.task_manager_of(&jvm, flink, parts);
        }
        let process = self.size(TM_PROCESS)?.ok_or(Undecided::Unset)?;
        let mut parts = vec![part(METASPACE, jvm.metaspace), part(OVERHEAD, jvm.overhead.of(process)?)];
        parts.extend(self.parts_of(process.saturating_sub(sum(&parts)))?);
        Ok((process < sum(&parts)).then(|| short(TM_PROCESS, process, parts)))
    }

    /// Whether the Flink memory that is set, `flink`, has room for its `parts`, and the process for it.
    fn task_manager_of(&self, jvm: &Jvm, flink: u64, parts: Vec<Part>) -> Result<Option<Shortage>> {
        if flink < sum(&parts) {
            return Ok(Some(short(TM_FLINK, flink, parts)));
        }
        self.process(jvm, vec![part("total Flink memory", flink)])
    }

    /// What must fit into the Flink memory of a TaskManager, of which there are `flink` bytes.
    fn parts_of(&self, flink: u64) -> Result<Vec<Part>> {
        let managed = match self.size(TM_MANAGED)? {
            Some(managed) => managed,
            None => self.range("taskmanager.memory.managed.fraction", 0.4, [0, i64::MAX.unsigned_abs()])?.of(flink)?,
        };
        let network = self.network()?;
        let mut parts = self.framework()?;
        parts.push(part("managed memory", managed));
        if let Some(heap) = self.size(TM_TASK_HEAP)? {
            parts.push(part("task heap", heap));
            parts.push(network.rest(flink, &parts)?);
            return Ok(parts);
        }
        parts.push(part(NETWORK, network.of(flink)?));
        Ok(parts)
    }

    fn framework(&self) -> Result<Vec<Part>> {
        Ok(vec![
            part("framework heap", self.size_or("taskmanager.memory.framework.heap.size", 128 * MEBIBYTE)?),
            part(
                "framework off-heap memory",
                self.size_or("taskmanager.memory.framework.off-heap.size", 128 * MEBIBYTE)?,
            ),
            part("task off-heap memory", self.size_or("taskmanager.memory.task.off-heap.size", 0)?),
        ])
    }

    fn network(&self) -> Result<Range> {
        // The oldest way to say it, which counts only where no other is used.
        if (self.options)("taskmanager.network.numberOfBuffers").is_some() {
            return Err(Undecided::Unclear);
        }
        let min = self.size_or("taskmanager.memory.network.min", 64 * MEBIBYTE)?;
        let max = self.size_or("taskmanager.memory.network.max", self.network_max)?;
        self.range("taskmanager.memory.network.fraction", 0.1, [min, max])
    }

    fn jvm(&self, process: &'static str, [metaspace, fraction]: [&str; 2], [min, max]: [&str; 2]) -> Result<Jvm> {
        let bounds = [self.size_or(min, 192 * MEBIBYTE)?, self.size_or(max, 1024 * MEBIBYTE)?];
        let metaspace = self.size_or(metaspace, 256 * MEBIBYTE)?;
        Ok(Jvm { process, metaspace, overhead: self.range(fraction, 0.1, bounds)? })
    }

    /// Whether the process, where its size is set, has room for the Flink memory of `parts` and for the JVM.
    fn process(&self, jvm: &Jvm, mut parts: Vec<Part>) -> Result<Option<Shortage>> {
        let Some(process) = self.size(jvm.process)? else { return Ok(None) };
        parts.push(part(METASPACE, jvm.metaspace));
        // More than this Flink refuses too.
        if process > sum(&parts).saturating_add(jvm.overhead.max) {
            return Err(Undecided::Unclear);
        }
        parts.push(part(OVERHEAD, jvm.overhead.min));
        Ok((process < sum(&parts)).then(|| short(jvm.process, process, parts)))
    }

    fn size(&self, option: &str) -> Result<Option<u64>> {
        let Some(text) = (self.options)(option) else { return Ok(None) };
        let why = if has_placeholder(text) { Undecided::Unclear } else { Undecided::Unreadable };
        size(text).ok_or(why).map(Some)
    }

    fn size_or(&self, option: &str, default: u64) -> Result<u64> {
        Ok(self.size(option)?.unwrap_or(default))
    }

    fn range(&self, option: &str, default: f32, [min, max]: [u64; 2]) -> Result<Range> {
        let fraction = match (self.options)(option) {
            Some(text) => text.trim().parse().map_err(|_| Undecided::Unclear)?,
            None => default,
        };
        let is_fraction = (0.0..1.0).contains(&fraction) && min <= max;
        is_fraction.then(|| Range { fraction: f64::from(fraction), min, max }).ok_or(Undecided::Unclear)
    }
}

impl Range {
    /// The part that it is of `whole`.
    fn of(&self, whole: u64) -> Result<u64> {
        Ok(multiply(whole, self.fraction)?.clamp(self.min, self.max))
    }

    /// The part that it is of a whole whose other parts are `rest`.
    fn beside(&self, rest: u64) -> Result<u64> {
        Ok(multiply(rest, self.fraction / (1.0 - self.fraction))?.clamp(self.min, self.max))
    }

    /// The network, where it gets what `parts` leave of `whole`: at least its minimum. More than its maximum Flink refuses.
    fn rest(&self, whole: u64, parts: &[Part]) -> Result<Part> {
        let is_too_much = whole.saturating_sub(sum(parts)) > self.max;
        if is_too_much { Err(Undecided::Unclear) } else { Ok(part(NETWORK, self.min)) }
    }
}

/// `bytes` times `factor`, rounded down, by the decimal digits of `factor` as Flink does it.
fn multiply(bytes: u64, factor: f64) -> Result<u64> {
    let text = factor.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits: u128 = format!("{whole}{fraction}").parse().map_err(|_| Undecided::Unclear)?;
    let scale =
        u32::try_from(fraction.len()).ok().and_then(|places| 10_u128.checked_pow(places)).ok_or(Undecided::Unclear)?;
    let product = u128::from(bytes).checked_mul(digits).ok_or(Undecided::Unclear)? / scale;
    u64::try_from(product).map_err(|_| Undecided::Unclear)
}

const fn part(name: &'static str, bytes: u64) -> Part {
    Part { name, bytes }
}

fn sum(parts: &[Part]) -> u64 {
    parts.iter().fold(0, |sum, part| sum.saturating_add(part.bytes))
}

/// Parts of no size are not worth a word.
fn short(total: &'static str, bytes: u64, mut parts: Vec<Part>) -> Shortage {
    parts.retain(|part| part.bytes > 0);
    Shortage { total, bytes, parts }
}

const JM_HEAP: &str = "jobmanager.memory.heap.size";
const JM_FLINK: &str = "jobmanager.memory.flink.size";
const JM_PROCESS: &str = "jobmanager.memory.process.size";
const TM_TASK_HEAP: &str = "taskmanager.memory.task.heap.size";
const TM_MANAGED: &str = "taskmanager.memory.managed.size";
const TM_FLINK: &str = "taskmanager.memory.flink.size";
const TM_PROCESS: &str = "taskmanager.memory.process.size";

const METASPACE: &str = "metaspace";
const OVERHEAD: &str = "JVM overhead";
const NETWORK: &str = "network memory";
const OFF_HEAP: &str = "off-heap memory";

const DEFAULT_OFF_HEAP: u64 = 128 * MEBIBYTE;

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(role: Role, pairs: &[(&str, String)], version: Option<FlinkVersion>) -> Fit {
        fit(role, &|option| pairs.iter().find(|(key, _)| *key == option).map(|(_, text)| text.as_str()), version)
    }

    /// The smallest totals that 1.20.5 was seen to accept beside the other options.
    #[test]
    fn the_least_that_flink_takes_is_enough_and_a_byte_less_is_not() {
        for (total, least, others) in [
            (JM_PROCESS, 603_979_777_u64, [].as_slice()),
            (JM_FLINK, 134_217_729, &[]),
            (JM_PROCESS, 805_306_369, &[("jobmanager.memory.jvm-overhead.fraction", "0.5")]),
            (JM_FLINK, 314_572_800, &[(JM_HEAP, "300m")]),
            (TM_PROCESS, 1_029_002_586, &[]),
            (TM_FLINK, 559_240_538, &[]),
            (JM_PROCESS, 1_337_982_976, &[(JM_HEAP, "700m")]),
            (TM_PROCESS, 1_961_070_139, &[(TM_MANAGED, "1g")]),
            (TM_PROCESS, 2_557_593_375, &[(TM_TASK_HEAP, "1g"), (TM_MANAGED, "512m")]),
            (TM_FLINK, 1_946_157_056, &[(TM_TASK_HEAP, "1g"), (TM_MANAGED, "512m")]),
            (TM_PROCESS, 1_543_503_872, &[(TM_FLINK, "1g")]),
            (TM_FLINK, 1_083_528_543, &[(TM_TASK_HEAP, "300m")]),
            (TM_FLINK, 2_684_354_711, &[("taskmanager.memory.network.fraction", "0.5")]),
        ] {
            let role = if total.starts_with("job") { Role::JobManager } else { Role::TaskManager };
            let others = others.iter().map(|(option, text)| (*option, (*text).to_owned()));
            let with = |bytes: u64| {
                let pairs: Vec<_> = others.clone().chain([(total, bytes.to_string())]).collect();
                judged(role, &pairs, Some(FlinkVersion::new(1, 20)))
            };
            assert_eq!(with(least), Fit::Enough, "{total} {least}");
            let Fit::Short(short) = with(least - 1) else { panic!("{total} {least}") };
            assert_eq!((short.total, short.bytes), (total, least - 1), "{short:?}");
            assert!(short.needed() >= short.bytes && short.parts.iter().all(|part| part.bytes > 0), "{short:?}");
        }
    }

    #[test]
    fn the_parts_are_named() {
        let sizes = [(JM_PROCESS, "1000m"), (JM_HEAP, "700m")].map(|(option, text)| (option, text.to_owned()));
        let Fit::Short(short) = judged(Role::JobManager, &sizes, None) else { panic!("it is too small") };
        let names: Vec<_> = short.parts.iter().map(|part| (part.name, part.bytes / MEBIBYTE)).collect();
        assert_eq!(names, [("heap", 700), (OFF_HEAP, 128), (METASPACE, 256), (OVERHEAD, 192)]);
    }

    #[test]
    fn what_cannot_be_read_or_contradicts_itself_is_no_shortage() {
        let unset = judged(Role::TaskManager, &[(JM_PROCESS, "1g".to_owned())], None);
        let unreadable = judged(Role::JobManager, &[(JM_PROCESS, "512Mi".to_owned())], None);
        assert_eq!((unset, unreadable), (Fit::Unset, Fit::Unreadable));
        for pairs in [
            vec![(JM_PROCESS, "${SIZE}")],
            vec![(JM_PROCESS, "512m"), ("jobmanager.memory.jvm-overhead.fraction", "a tenth")],
            vec![(JM_PROCESS, "512m"), ("jobmanager.memory.jvm-overhead.fraction", "1.0")],
            vec![(JM_PROCESS, "512m"), ("jobmanager.memory.jvm-overhead.min", "2g")],
            vec![(JM_PROCESS, "4g"), (JM_HEAP, "100m")],
            vec![
                (JM_PROCESS, "400m"),
                (JM_HEAP, "100m"),
                (JM_FLINK, "500m"),
                ("jobmanager.memory.off-heap.size", "1m"),
            ],
        ] {
            let pairs: Vec<_> = pairs.into_iter().map(|(option, text)| (option, text.to_owned())).collect();
            assert_eq!(judged(Role::JobManager, &pairs, None), Fit::Unknown, "{pairs:?}");
        }
        let old = [(JM_PROCESS, "512m".to_owned())];
        assert_eq!(judged(Role::JobManager, &old, Some(FlinkVersion::new(1, 10))), Fit::Unknown);
        let buffers = [(TM_PROCESS, "512m".to_owned()), ("taskmanager.network.numberOfBuffers", "16".to_owned())];
        assert_eq!(judged(Role::TaskManager, &buffers, None), Fit::Unknown);
    }

    #[test]
    fn an_unknown_version_is_short_only_where_all_are() {
        // Half of 6 GiB is more than the 1 GiB of network that versions before 1.17 stop at.
        let sizes = [(TM_FLINK, "6g"), (TM_MANAGED, "3g"), ("taskmanager.memory.network.fraction", "0.5")]
            .map(|(option, text)| (option, text.to_owned()));
        assert!(matches!(judged(Role::TaskManager, &sizes, Some(FlinkVersion::new(1, 17))), Fit::Short(_)));
        assert_eq!(judged(Role::TaskManager, &sizes, Some(FlinkVersion::new(1, 16))), Fit::Enough);
        assert_eq!(judged(Role::TaskManager, &sizes, None), Fit::Unknown);
    }

    #[test]
    fn as_much_as_the_bounds_allow_is_enough_and_a_byte_more_is_refused() {
        let most = |role, total: &'static str, mebibytes: u64, others: &[(&'static str, &str)], minor| {
            let others = others.iter().map(|(option, text)| (*option, (*text).to_owned()));
            [0, 1].map(|more| {
                let bytes = (mebibytes * MEBIBYTE + more).to_string();
                let pairs: Vec<_> = others.clone().chain([(total, bytes)]).collect();
                judged(role, &pairs, minor)
            })
        };
        let both = [Fit::Enough, Fit::Unknown];
        // 1 GiB of Flink's own, 256 MiB of metaspace and at most 1 GiB of overhead.
        assert_eq!(most(Role::JobManager, JM_PROCESS, 2304, &[(JM_FLINK, "1g")], None), both);
        // Heap, managed memory, 256 MiB of the framework and, before 1.17, at most 1 GiB of network.
        let sizes = [(TM_TASK_HEAP, "1g"), (TM_MANAGED, "512m")];
        assert_eq!(most(Role::TaskManager, TM_FLINK, 2816, &sizes, Some(FlinkVersion::new(1, 16))), both);
    }
}
