/**
 * Text that stands for bytes: the code of each character is one byte. Names in archives and on disks need not be UTF-8,
 * and the runtime's strings for paths cannot hold other names.
 */
export type ByteText = string;

/** Number of bytes per call of `String.fromCharCode`, whose arguments are on the stack. */
const STEP = 4096;

/** Returns the text of bytes. */
export function toByteText(bytes: Uint8Array): ByteText {
  let text = "";
  for (let at = 0; at < bytes.length; at += STEP) text += String.fromCharCode(...bytes.subarray(at, at + STEP));
  return text;
}

/** Returns the text of a path that the runtime uses. */
export function fromPath(path: string): ByteText {
  return toByteText(new TextEncoder().encode(path));
}

/** Returns the bytes of a text, followed by a NUL, as functions of libc need them. */
export function terminate(text: ByteText): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length + 1);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Formats a text for messages: quoted, with invalid UTF-8 replaced. */
export function quoteBytes(text: ByteText): string {
  return JSON.stringify(new TextDecoder().decode(terminate(text).subarray(0, text.length)));
}

/**
 * Returns a path without empty components, `.`, and `..` if a component precedes it, like Go's `path.Clean`; `""` for
 * the folder itself. Begins with `..` only if the path leads out of its folder. A leading `/` is dropped.
 */
export function cleanPath(path: ByteText): ByteText {
  const isAbsolute = path.startsWith("/");
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!isAbsolute) parts.push(part);
  }
  return parts.join("/");
}

/** Splits a cleaned path into its folder, `""` for the top, and its last component. */
export function splitPath(path: ByteText): { folder: ByteText; name: ByteText } {
  const slash = path.lastIndexOf("/");
  return { folder: path.slice(0, Math.max(slash, 0)), name: path.slice(slash + 1) };
}
