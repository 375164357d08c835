//! From a path to the files below it, and from a file to its text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{Problem, STANDARD_INPUT};

/// A file that is to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    /// As the user would name it.
    pub(super) name: String,
    /// Whether it was only found by looking into a folder: then it need not hold objects.
    pub(super) found_in_folder: bool,
    path: PathBuf,
}

impl File {
    /// Where it is; `-` for standard input.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it really is, whatever it is called.
    pub(super) fn real_path(&self) -> PathBuf {
        self.path.canonicalize().unwrap_or_else(|_| self.path.clone())
    }

    /// The text of the file.
    pub(super) fn read(&self, standard_input: &mut dyn Read, bytes_left: &mut u64) -> Result<String, String> {
        let text = if self.path.as_os_str() == STANDARD_INPUT {
            bounded(standard_input, (*bytes_left).min(MAX_FILE_BYTES))
        } else {
            let mut file = fs::File::open(&self.path).map_err(|error| error.to_string())?;
            bounded(&mut file, (*bytes_left).min(MAX_FILE_BYTES))
        }?;
        *bytes_left = bytes_left.saturating_sub(text.len() as u64);
        Ok(text)
    }
}

/// The text of the file at `path`, at most 64 MiB of it.
///
/// # Errors
/// In words: why it cannot be read.
pub(crate) fn read_bounded(path: &Path) -> Result<String, String> {
    let mut file = fs::File::open(path).map_err(|error| error.to_string())?;
    bounded(&mut file, MAX_FILE_BYTES)
}

fn bounded(reader: &mut dyn Read, limit: u64) -> Result<String, String> {
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limit {
        return Err(format!("is larger than the {} MiB that are read; split it", limit / (1024 * 1024)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count();
        format!("is not UTF-8 text (line {line})")
    })
}

/// The files that `paths` stand for, each once, where it stands first.
pub(super) fn expand_all(paths: &[PathBuf], problems: &mut Vec<Problem>) -> Vec<File> {
    let mut places: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut files: Vec<File> = Vec::new();
    for file in paths.iter().flat_map(|path| expand(path, problems)) {
        let place = *places.entry(file.real_path()).or_insert(files.len());
        match files.get_mut(place) {
            Some(known) => known.found_in_folder &= file.found_in_folder,
            None => files.push(file),
        }
    }
    files
}

/// The files that `path` stands for: itself, or all manifests below the folder that it is.
fn expand(path: &Path, problems: &mut Vec<Problem>) -> Vec<File> {
    if path.as_os_str() == STANDARD_INPUT || !path.is_dir() {
        return vec![File { name: path.display().to_string(), found_in_folder: false, path: path.to_owned() }];
    }
    let mut walk = Walk { seen: BTreeSet::new(), files: Vec::new(), problems };
    walk.folder(path, 0);
    let files = walk.files;
    if files.is_empty() {
        let message = "holds no file that ends in .yaml, .yml or .json".to_owned();
        problems.push(Problem { file: path.display().to_string(), document: None, line: None, message });
    }
    files
}

struct Walk<'a> {
    /// Folders that were entered, by their real path: a link that leads back is not followed again.
    seen: BTreeSet<PathBuf>,
    files: Vec<File>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, depth: usize) {
        match entries(folder) {
            Ok(entries) if depth <= MAX_DEPTH => {
                if folder.canonicalize().is_ok_and(|real| self.seen.insert(real)) {
                    for entry in entries {
                        self.entry(&entry, depth);
                    }
                }
            }
            Ok(_) => self.problem(folder, format!("folders are nested more than {MAX_DEPTH} deep")),
            Err(error) => self.problem(folder, error.to_string()),
        }
    }

    fn entry(&mut self, path: &Path, depth: usize) {
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            return;
        }
        if path.is_dir() {
            return self.folder(path, depth + 1);
        }
        let is_manifest = path.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
        if !is_manifest {
            return;
        }
        match fs::metadata(path) {
            // A pipe or a device in a folder could keep the program waiting for ever.
            Ok(about) if !about.is_file() => {}
            Ok(_) if self.files.len() >= MAX_FILES => {
                if self.files.len() == MAX_FILES {
                    self.problem(path, format!("the folder holds more than {MAX_FILES} manifests; give fewer"));
                }
            }
            Ok(_) => {
                self.files.push(File {
                    name: path.display().to_string(),
                    found_in_folder: true,
                    path: path.to_owned(),
                });
            }
            Err(error) => self.problem(path, error.to_string()),
        }
    }

    fn problem(&mut self, path: &Path, message: String) {
        if self.problems.len() < MAX_FILES {
            self.problems.push(Problem { file: path.display().to_string(), document: None, line: None, message });
        }
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Largest file that is read: 64 MiB, 40 times what etcd stores of one object.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Most files below one folder.
const MAX_FILES: usize = 50_000;
/// Deepest nesting of folders.
const MAX_DEPTH: usize = 64;
