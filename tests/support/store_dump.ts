import { digestOf } from "../../src/spec/room.ts";
import { fromPath, quoteBytes, terminate } from "../../src/store/containers_storage/unpack/byte_text.ts";
import { AT_FDCWD, check, loadLibc, O, readAt, S } from "../../src/store/containers_storage/unpack/libc.ts";
import {
  findStat,
  isType,
  listNames,
  openFolder,
  type Place,
  readAttributes,
  readLink,
} from "../../src/store/containers_storage/unpack/nodes.ts";

/** Everything that a disk has below a folder: a line of text for each path, which a failed comparison shows. */
export function dumpTree(path: string): string[] {
  const lines: string[] = [];
  const inodes = new Map<bigint, string>();
  visit({ fd: AT_FDCWD, name: fromPath(path) }, ".", (line) => lines.push(line), inodes);
  return lines.sort();
}

function visit(place: Place, path: string, add: (line: string) => void, inodes: Map<bigint, string>): void {
  const stat = findStat(place);
  if (!stat) return;
  const { mode, uid, gid, device, modified, inode, links } = stat;
  const isFolder = isType(stat, S.FOLDER);
  const attributes = [...readAttributes(place)].sort().map(([key, value]) => `${key}=${value.toHex()}`);
  const first = !isFolder && links > 1 ? inodes.get(inode) ?? path : undefined;
  if (first) inodes.set(inode, first);
  const content = isType(stat, S.FILE)
    ? digestOf(readFile(place))
    : isType(stat, S.LINK)
    ? `-> ${readLink(place)}`
    : "";
  const nanoseconds = BigInt(modified.seconds) * 1_000_000_000n + BigInt(modified.nanoseconds);
  const parts = [quoteBytes(path), mode.toString(8), `${uid}:${gid}`, nanoseconds, device, first ?? "", content];
  add([...parts, ...attributes].join(" "));
  if (!isFolder) return;
  const fd = openFolder(place);
  try {
    for (const name of listNames(fd).sort()) visit({ fd, name }, `${path}/${name}`, add, inodes);
  } finally {
    loadLibc().close(fd);
  }
}

function readFile({ fd, name }: Place): Uint8Array<ArrayBuffer> {
  const libc = loadLibc();
  const file = check(libc.openat(fd, terminate(name), O.NOFOLLOW | O.CLOEXEC, 0));
  try {
    const bytes = new Uint8Array(findStat({ fd, name })!.size);
    readAt(file, bytes, 0);
    return bytes;
  } finally {
    libc.close(file);
  }
}
