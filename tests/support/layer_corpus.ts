import { encode } from "./images.ts";
import { type OddEntry, oddTar } from "./odd_tar.ts";

const NOTHING = new Uint8Array();
const folder = (name: string, rest: Partial<OddEntry> = {}): OddEntry => ({ name, type: "5", ...rest });
const file = (name: string, content: string, rest: Partial<OddEntry> = {}): OddEntry => ({
  name,
  content: encode(content),
  mode: 0o644,
  ...rest,
});

/** Value of `security.capability` for `cap_net_raw=ep`. */
const CAPABILITY = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";

/** The entries of a base layer with one of everything that a layer can have. */
export const BASE_ENTRIES: readonly OddEntry[] = [
  folder("./", { mode: 0o751, pax: { mtime: "1600000000.5" } }),
  folder("bin/"),
  file("bin/tool", "#!/bin/sh\necho tool\n", { mode: 0o4755 }),
  file("bin/ping", "ping", { mode: 0o755, pax: { "SCHILY.xattr.security.capability": CAPABILITY } }),
  { name: "bin/hard", type: "1", linkName: "bin/tool", mode: 0o4755 },
  { name: "bin/soft", type: "2", linkName: "/bin/tool", mode: 0o777, uid: 7, gid: 8 },
  { name: "bin/hard-soft", type: "1", linkName: "bin/soft", mode: 0o777, uid: 7, gid: 8 },
  folder("dir/", { mode: 0o1777, uid: 11, gid: 12, pax: { mtime: "1500000000.123456789" } }),
  file("dir/big-ids", "owned", { uid: 3_000_000, gid: 2_200_000 }),
  file("dir/user", "attributed", { pax: { "SCHILY.xattr.user.key": "value", "SCHILY.xattr.user.other": "2" } }),
  file("dir/nano", "precise", { pax: { mtime: "1400000000.000000007", atime: "1700000000.9" } }),
  file("dir/old", "before 1970", { pax: { mtime: "-1.5" } }),
  file("dir/empty", ""),
  file("dir/gone", "removed above"),
  folder("dir/gone-dir/"),
  file("dir/gone-dir/file", "removed with its folder"),
  file("dir/replaced", "a file that becomes a folder"),
  file("dir/pair-a", "two names"),
  { name: "dir/pair-b", type: "1", linkName: "dir/pair-a", mode: 0o600 },
  folder("dir/opaque/"),
  file("dir/opaque/old", "hidden above"),
  { name: "dir/large", content: new Uint8Array(300_000).fill(65), mode: 0o640 },
  folder(`deep/`),
  folder(`deep/${"d".repeat(120)}/`),
  file(`deep/${"d".repeat(120)}/${"n".repeat(130)}`, "long"),
  folder("latin/"),
  { name: Uint8Array.of(...encode("latin/"), 0xe4, 0xff), content: encode("not UTF-8"), mode: 0o644 },
  { name: Uint8Array.of(...encode("latin/d"), 0xfe, 0x2f), type: "5" },
  { name: Uint8Array.of(...encode("latin/d"), 0xfe, 0x2f, 0x66), content: encode("below it"), mode: 0o644 },
  folder("\u00fcmlaut/"),
  file("\u00fcmlaut/<&>\u2028", "escaped"),
  folder("dev/"),
  { name: "dev/null", type: "3", device: [1, 3], mode: 0o666 },
  { name: "dev/loop", type: "4", device: [7, 300], mode: 0o660, gid: 6 },
  { name: "dev/pipe", type: "6", mode: 0o620 },
  folder("late/", { pax: { mtime: "1300000000" } }),
  file("late/content", "written after its folder's time"),
];

/** The entries of a layer above it: changes, removals, an opaque folder. */
export const UPPER_ENTRIES: readonly OddEntry[] = [
  folder("dir/", { mode: 0o1755, uid: 11, gid: 12, pax: { mtime: "1510000000.25" } }),
  { name: "dir/.wh.gone", content: NOTHING, mode: 0o600, uid: 5, gid: 6 },
  { name: "dir/.wh.gone-dir", content: NOTHING },
  { name: "dir/.wh.never", content: NOTHING },
  folder("dir/replaced/"),
  file("dir/replaced/file", "below"),
  file("dir/pair-a", "alone now"),
  folder("dir/opaque/"),
  file("dir/opaque/early", "before the marker"),
  { name: "dir/opaque/.wh..wh..opq", content: NOTHING },
  file("dir/opaque/new", "after the marker"),
  folder("bin/", { mode: 0o755 }),
  file("bin/tool", "#!/bin/sh\necho changed\n", { mode: 0o755 }),
];

/** The layers of an image with all of it: the archives, uncompressed. */
export function makeCorpus(): Uint8Array<ArrayBuffer>[] {
  const base = oddTar(BASE_ENTRIES), upper = oddTar(UPPER_ENTRIES);
  // Archives may lack their end marker, or have anything after it, or have nothing at all.
  return [base, upper.slice(0, -1024), new Uint8Array(), new Uint8Array(1024), paddedArchive()];
}

function paddedArchive(): Uint8Array<ArrayBuffer> {
  const archive = oddTar([file("top", "last")]);
  const padded = new Uint8Array(archive.length + 9216);
  padded.set(archive);
  padded.fill(1, archive.length + 9000);
  return padded;
}
