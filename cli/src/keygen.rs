//! `deputize keygen`.

use deputize::os::{generate_key, save};
use deputize::{Code, Error, NoteKey, limits, shown};
use serde_json::json;

use crate::DONE;
use crate::args::Keygen;
use crate::screen::{Failure, Line, Screen, Style};

pub(crate) fn run(arguments: &Keygen, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let Keygen { name, directory, origin } = arguments;
    let is_file = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
    if !is_file || name.len() > limits::MAX_NAME || shown(name, limits::MAX_NAME) != **name {
        return Err(Error::named(Code::NameInvalid, "the name of a key file", name).into());
    }
    let key = generate_key()?;
    let public = key.verifying_key();
    let note_key = origin.as_ref().map(|origin| NoteKey::of_log(origin, public)).transpose()?.map(|key| key.to_text());
    let path = directory.join(format!("{name}.pem"));
    save(&path, &key)?;
    let (did, thumbprint, path) = (public.did_key(), public.thumbprint(), path.display().to_string());
    if screen.is_json {
        screen.json(&json!({ "name": name, "file": path, "did": did, "thumbprint": thumbprint, "note_key": note_key }))?;
        return Ok(DONE);
    }
    let row = |label: &str, text: &str| vec![Line::styled(Style::Dim, label), Line::of(text)];
    let mut rows = vec![row("file", &path), row("did", &did), row("thumbprint", &thumbprint)];
    rows.extend(note_key.map(|key| row("note key", &key)));
    screen.table(&rows)?;
    Ok(DONE)
}
