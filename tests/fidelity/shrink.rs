//! Makes a case smaller for as long as it shows what it showed.

use super::case::Case;

/// The smallest case that this finds for which `shows` holds; `shows` is asked for many at once.
pub fn shrink(case: Case, shows: impl Fn(&[Case]) -> Vec<bool>) -> Case {
    let mut case = case;
    loop {
        let smaller = smaller(&case);
        let less = smaller.chunks(CHUNK).find_map(|chunk| {
            let found = shows(chunk).iter().position(|shown| *shown)?;
            chunk.get(found).cloned()
        });
        match less {
            Some(less) => case = less,
            None => return case,
        }
    }
}

/// Cases that are a step smaller than `case`, the largest steps first.
fn smaller(case: &Case) -> Vec<Case> {
    let mut found = Vec::new();
    for name in case.files.keys() {
        let mut without = case.clone();
        without.files.remove(name);
        found.push(without);
    }
    for words in without_parts(&case.words) {
        found.push(Case { words, ..case.clone() });
    }
    for (name, text) in &case.files {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for lines in without_parts(&lines) {
            let mut without = case.clone();
            without.files.insert(name.clone(), lines.concat());
            found.push(without);
        }
    }
    for (name, text) in &case.files {
        for text in without_letters(text) {
            let mut without = case.clone();
            without.files.insert(name.clone(), text);
            found.push(without);
        }
    }
    for (index, word) in case.words.iter().enumerate() {
        for shorter in without_letters(word) {
            let mut words = case.words.clone();
            words[index] = shorter;
            found.push(Case { words, ..case.clone() });
        }
    }
    found
}

/// `items` without a half of them, a quarter … one.
fn without_parts<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let mut found = Vec::new();
    let mut size = items.len().div_ceil(2);
    while size > 0 {
        for begin in (0..items.len()).step_by(size) {
            let end = (begin + size).min(items.len());
            found.push([&items[..begin], &items[end..]].concat());
        }
        size /= 2;
    }
    found
}

fn without_letters(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    without_parts(&letters).into_iter().map(|letters| letters.into_iter().collect()).collect()
}

/// Cases that are asked for at once.
const CHUNK: usize = 64;
