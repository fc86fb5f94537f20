/** Length of a lock file's content, in bytes. */
const LENGTH = 64;

let counter = 0n;

/**
 * New content for a lock file (storage `newLastWrite`): time in nanoseconds, a counter, the process, random bytes.
 * Readers compare it with what they saw last; only where it differs do they read the records again, so every save
 * must write one.
 */
export function createLastWriter(): Uint8Array<ArrayBuffer> {
  const bytes = crypto.getRandomValues(new Uint8Array(LENGTH));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(Date.now()) * 1_000_000n, true);
  view.setBigUint64(8, ++counter, true);
  view.setUint32(16, Deno.pid, true);
  return bytes;
}

/** What a lock file holds; `""` where nobody has written yet. */
export async function readLastWriter(file: Deno.FsFile): Promise<string> {
  const bytes = new Uint8Array(LENGTH);
  await file.seek(0, Deno.SeekMode.Start);
  const count = await file.read(bytes);
  return bytes.subarray(0, count ?? 0).toHex();
}

/** Writes new content in place: a lock file is never truncated or replaced, or locks on it would fall apart. */
export async function writeLastWriter(file: Deno.FsFile): Promise<string> {
  const bytes = createLastWriter();
  await file.seek(0, Deno.SeekMode.Start);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  return bytes.toHex();
}
