//! Words of a command line that do not do what they say.

/// A word that does not do what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// The word without a value that stands in it: `-Dkubernetes.cluster-id`, `--host`.
    pub word: String,
    /// The option that it should set, where it should set one.
    pub option: Option<String>,
    /// Its position in command and args taken together.
    pub position: usize,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a word that does not do what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// `jobmanager.sh` takes it for the host.
    Host,
    /// `jobmanager.sh` takes it for the port of the web interface.
    WebPort,
    /// A session JobManager of Flink up to 1.14 takes no options.
    NoOptions,
    /// It is the first of the program's arguments, and so is everything behind it.
    Program,
    /// It stands behind a word that is no option, where none is read any more.
    Behind,
    /// It is a second configuration directory, of which Flink takes the first.
    Directory,
}

impl Misread {
    pub(super) fn of(word: &str, position: usize, fate: Fate) -> Self {
        let option =
            word.strip_prefix("-D").and_then(|text| text.split_once('=')).map(|(key, _)| key.trim().to_owned());
        Self { word: word.split('=').next().unwrap_or_default().to_owned(), option, position, fate }
    }

    /// The `-D` at `position`, in one word or two.
    pub(super) fn of_property(words: &[&str], position: usize, fate: Fate) -> Self {
        let word = words.get(position).copied().unwrap_or_default();
        let misread = Self::of(word, position, fate);
        if word != "-D" {
            return misread;
        }
        let assigned = words.get(position + 1).and_then(|word| word.split_once('='));
        Self { option: assigned.map(|(key, _)| key.trim().to_owned()), ..misread }
    }

    /// What becomes of it, in words: `-Dkubernetes.cluster-id=…` in one word is taken for the host by `jobmanager.sh`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let word = match (&self.option, self.word.as_str()) {
            (Some(option), "-D") => format!("`-D {option}=…`"),
            (Some(_), word) => format!("`{word}=…` in one word"),
            (None, word) => format!("`{word}`"),
        };
        match self.fate {
            Fate::Host => format!("{word} is taken for the host by `jobmanager.sh`"),
            Fate::WebPort => format!("{word} is taken for the port of the web interface by `jobmanager.sh`"),
            Fate::NoOptions => {
                format!("{word} is not read by `jobmanager.sh` of Flink up to 1.14, which takes no options")
            }
            Fate::Program => format!("{word} and everything behind it are taken for the program's own arguments"),
            Fate::Behind => {
                format!("{word} stands behind a word that is no option of Flink's, where none is read any more")
            }
            Fate::Directory => {
                format!("{word} has no effect, since the start script gives Flink a directory before it")
            }
        }
    }

    /// What to write instead.
    #[must_use]
    pub fn remedy(&self) -> String {
        match (&self.option, self.fate) {
            (_, Fate::NoOptions) => "write the option into the configuration file".to_owned(),
            (_, Fate::Directory) => "set the environment variable `FLINK_CONF_DIR` instead".to_owned(),
            (_, Fate::Behind) => "write it right behind the word that names the role".to_owned(),
            (Some(option), _) => format!("write `-D` and `{option}=…` as two words"),
            (None, _) => "write `-D` and `jobmanager.rpc.address=$(POD_IP)` as two words".to_owned(),
        }
    }
}
