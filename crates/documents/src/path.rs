/// The folder of a path, without `/` at its end.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The innermost folder that is around a path, and is a given one or around that.
pub fn common_folder<'a>(mut folder: &'a str, path: &str) -> &'a str {
    while !folder.is_empty() {
        if path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')) {
            return folder;
        }
        folder = folder_of(folder);
    }
    folder
}
