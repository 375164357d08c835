//! The program `flink-admission`.

fn main() {}
