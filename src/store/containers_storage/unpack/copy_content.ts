import { check, hasCode, loadLibc, readAt, writeFully } from "./libc.ts";

/** Number of bytes that the kernel copies at once, so that other tasks can run in between. */
const STEP = 16 * 1024 * 1024;

/** Size of the pieces if the kernel cannot copy between two disks, in bytes. */
const PIECE = 256 * 1024;

/**
 * Copies a part of one open file to the position of another. The kernel copies it, or shares the blocks on disks that
 * can do that.
 */
export async function copyContent(from: number, to: number, start: number, length: number): Promise<void> {
  const libc = loadLibc();
  const offset = new BigInt64Array([BigInt(start)]);
  const place = new Uint8Array(offset.buffer);
  for (let left = length; left > 0;) {
    let count: number;
    try {
      count = check(libc.copy_file_range(from, place, to, null, BigInt(Math.min(left, STEP)), 0));
    } catch (error) {
      if (!hasCode(error, "EXDEV", "ENOSYS", "EINVAL", "EOPNOTSUPP", "EPERM")) throw error;
      return copyPieces(from, to, start + length - left, left);
    }
    if (count === 0) throw new Error("the file ended early");
    left -= count;
    if (left > 0) await new Promise((resolve) => setTimeout(resolve));
  }
}

function copyPieces(from: number, to: number, start: number, length: number): void {
  const buffer = new Uint8Array(PIECE);
  for (let at = start; at < start + length;) {
    const count = readAt(from, buffer.subarray(0, Math.min(PIECE, start + length - at)), at);
    if (count === 0) throw new Error("the file ended early");
    writeFully(to, buffer.subarray(0, count));
    at += count;
  }
}
