//! What the figures were measured on, and what the kernel says of a process.

use std::fs;
use std::time::Duration;

/// Clock ticks a second in `/proc`; the same on all of Linux's architectures that we run on.
const TICKS: u64 = 100;

/// Processor, number of cores and kernel, without the name of the machine.
pub(crate) fn described() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = field(&read("/proc/meminfo"), "MemTotal:") / 1024.0 / 1024.0;
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    format!(
        "{}, {cores} cores, {memory:.0} GB, Linux {}; load average at the start {}",
        model.map_or("unknown processor", |(_, model)| model),
        kernel.trim().split('-').next().unwrap_or_default(),
        load.split(' ').next().unwrap_or_default()
    )
}

/// CPU time of process `id` so far, of all its threads, in and out of the kernel; in steps of 10 ms.
pub(crate) fn cpu_time(id: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("the server runs");
    // The second field is a name in parentheses, which may hold anything.
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let ticks: u64 = rest.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}

/// Resident memory of process `id`, now and at most, in MB (10⁶ bytes).
pub(crate) fn resident(id: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("the server runs");
    let megabytes = |name| field(&status, name) * 1024.0 / 1e6;
    (megabytes("VmRSS:"), megabytes("VmHWM:"))
}

fn field(text: &str, name: &str) -> f64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    value.unwrap_or_default()
}
