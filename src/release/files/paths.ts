import { isAbsolute, join } from "@std/path";

/** Transports whose names begin with a path. */
const PATH_REGEXP = /^(oci|oci-archive|dir|docker-archive):(.+)$/s;

/** Returns a path that is relative to a folder, such as that of the release file. */
export function resolveFrom(folder: string, path: string): string {
  return isAbsolute(path) || folder === "." ? path : join(folder, path);
}

/** Returns the name of an image with its path, if it has one, relative to a folder. */
export function resolveImagePath(folder: string, image: string): string {
  const [, transport, path] = PATH_REGEXP.exec(image) ?? [];
  return path === undefined ? image : `${transport}:${resolveFrom(folder, path)}`;
}
