/** Length of the content of a lock file in bytes (storage `lastWriterIDSize`). */
const LENGTH = 64;

let counter = 0n;

/**
 * Returns new content for a lock file (storage `newLastWrite`): the time in nanoseconds, a counter, the process id and
 * random bytes. Readers read the records again only if the content differs from what they saw last, so every save must
 * write a new one.
 */
function createLastWriter(): Uint8Array<ArrayBuffer> {
  const bytes = crypto.getRandomValues(new Uint8Array(LENGTH));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(Date.now()) * 1_000_000n, true);
  view.setBigUint64(8, ++counter, true);
  view.setUint32(16, Deno.pid, true);
  return bytes;
}

/** Returns the content of a lock file as hexadecimal text; `""` if nothing was written yet. */
export async function readLastWriter(file: Deno.FsFile): Promise<string> {
  const bytes = new Uint8Array(LENGTH);
  await file.seek(0, Deno.SeekMode.Start);
  const count = await file.read(bytes);
  return bytes.subarray(0, count ?? 0).toHex();
}

/**
 * Writes new content in place and returns it. Replacing the file would separate its locks from those of other programs.
 */
export async function writeLastWriter(file: Deno.FsFile): Promise<string> {
  const bytes = createLastWriter();
  await file.seek(0, Deno.SeekMode.Start);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  return bytes.toHex();
}
