// What the compiler may ask of the world: texts by path. The compiler itself never touches a disk, so it runs in a page as well.
// Paths are relative to the folder of the entry file, use `/`, and hold no `.` or `..` that could be resolved.

/** The world as the checker sees it; a map of texts will do. */
export interface Host {
  /** The text of an imported `.elm` file, of a corpus or of a list of labels; undefined where there is none. */
  read(path: string): string | undefined;
  /** Whether a data file is there: it may be too large to read. A pattern (`*`) is asked for as written. */
  exists(path: string): boolean;
}

/** The folder of a path, "" for the root. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** `path` as seen from `folder`, normalised; absolute paths stay as they are. */
export function resolvePath(folder: string, path: string): string {
  if (path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path)) return path;
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts[parts.length - 1] !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}
