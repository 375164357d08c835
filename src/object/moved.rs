//! Where a field of an object stood before something was filled in: what is put into a list shifts what stands behind it.

use serde_json::Value;

use super::{FieldPath, Segment};

/// The place in `was` of what stands at `path` of `is`, as far as it leads there, and whether that is all the way: an
/// element that was put into a list has no place, and its list is as near as can be.
#[must_use]
pub fn place_before(was: &Value, is: &Value, path: &FieldPath) -> (FieldPath, bool) {
    let (mut was, mut is) = (Some(was), Some(is));
    let mut place = FieldPath::default();
    for segment in path.segments() {
        place = match segment {
            Segment::Key(key) => {
                (was, is) = (was.and_then(|value| value.get(key)), is.and_then(|value| value.get(key)));
                place.key(key)
            }
            Segment::Index(index) => {
                let lists = was.and_then(Value::as_array).zip(is.and_then(Value::as_array));
                let Some(position) = lists.map_or(Some(*index), |(was, is)| position_before(was, is, *index)) else {
                    return (place, false);
                };
                was = was.and_then(|value| value.get(position));
                is = is.and_then(|value| value.get(*index));
                place.index(position)
            }
        };
    }
    (place, true)
}

/// Where the element `index` of the list `is` stood in `was`, into which others were put; `None` for one of those.
///
/// What is the same is counted from behind first: an author's `-D` may follow those that were put before it.
fn position_before(was: &[Value], is: &[Value], index: usize) -> Option<usize> {
    let element = is.get(index)?;
    let behind = was.iter().rev().zip(is.iter().rev()).take_while(|(was, is)| was == is).count();
    let from_end = is.len() - index;
    if from_end <= behind {
        return was.len().checked_sub(from_end);
    }
    if index < was.len() - behind && was.get(index) == Some(element) {
        return Some(index);
    }
    if let Some(name) = element.get("name") {
        return was.iter().position(|other| other.get("name") == Some(name));
    }
    (was.len() == is.len()).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_filled_in_is_counted_out() {
        let written = json!({"args": ["jobmanager", "x"], "env": [{"name": "A"}], "l": [1]});
        let stored =
            json!({"args": ["jobmanager", "-D", "a=b", "x"], "env": [{"name": "B"}, {"name": "A", "v": 1}], "l": [1]});
        let path = |list: &str, index| FieldPath::of(&[list]).index(index);
        for (from, to) in [
            (path("args", 0), path("args", 0)),
            (path("args", 1), FieldPath::of(&["args"])),
            (path("args", 2), FieldPath::of(&["args"])),
            (path("args", 3), path("args", 1)),
            (path("env", 1).key("v"), path("env", 0).key("v")),
            (path("env", 0), FieldPath::of(&["env"])),
            (path("l", 0), path("l", 0)),
            (FieldPath::of(&["x", "y"]), FieldPath::of(&["x", "y"])),
        ] {
            assert_eq!(place_before(&written, &stored, &from).0, to, "{from}");
        }
    }

    #[test]
    fn an_authors_word_is_found_where_it_stood() {
        for (was, is, expected) in [
            ("standalone-job -Da=1", "standalone-job -Dx=1 -Dy=1 -Da=1", "0 . . 1"),
            ("jobmanager -D a=1", "jobmanager -D x=1 -D y=1 -D a=1", "0 . . . . 1 2"),
            ("jobmanager host", "jobmanager host -D x=1", "0 1 . ."),
            ("jobmanager", "jobmanager", "0"),
            ("jobmanager -Da=1", "jobmanager -Da=2", "0 1"),
            ("", "-D x=1", ". ."),
        ] {
            let list = |line: &str| line.split_whitespace().map(|word| json!(word)).collect::<Vec<_>>();
            let (was, is) = (list(was), list(is));
            let found = (0..is.len()).map(|index| position_before(&was, &is, index));
            let found: Vec<String> =
                found.map(|index| index.map_or(".".to_owned(), |index| index.to_string())).collect();
            assert_eq!(found.join(" "), expected);
        }
    }

    #[test]
    fn elements_of_one_name_stay_apart() {
        let mount = |path: &str| json!({"name": "data", "mountPath": path});
        let (was, is) = ([mount("/a"), mount("/b")], [mount("/a"), mount("/b"), json!({"name": "new"})]);
        assert_eq!([0, 1, 2].map(|index| position_before(&was, &is, index)), [Some(0), Some(1), None]);
    }
}
